"""Worklist queries and answers as JSON: the keywords of DICOM part 6 as names, sequences as lists.

A hospital's RIS answers `[{"PatientID": "…", "PatientName": "王^小明", "ScheduledProcedureStepSequence": [{…}]}]`;
the DICOM JSON model of part 18 (tags as names) is taken as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_MOST = 1000


def question(identifier: Dataset) -> dict[str, Any]:
    """The keys that the modality filters by; empty ones are what it wants to know."""
    out: dict[str, Any] = {}
    for element in identifier:
        if not element.keyword:
            continue
        if element.VR == "SQ":
            out[element.keyword] = [question(item) for item in element.value]
        else:
            out[element.keyword] = str(element.value) if element.value is not None else ""
    return out


def answers(raw: bytes, identifier: Dataset) -> Iterator[Dataset]:
    """Raises ValueError where the answer is no list of items."""
    told = json.loads(raw)
    if isinstance(told, Mapping):
        told = next((value for value in told.values() if isinstance(value, list)), None)
    if not isinstance(told, list):
        raise ValueError("no list")
    for item in told[:_MOST]:
        if not isinstance(item, Mapping):
            raise ValueError("no item")
        found = (
            Dataset.from_json(dict(item))
            if item and all(_TAG.fullmatch(str(name)) for name in item)
            else _dataset(item)
        )
        if "SpecificCharacterSet" not in found:
            found.SpecificCharacterSet = "ISO_IR 192"
        yield found


def _dataset(item: Mapping[str, Any]) -> Dataset:
    out = Dataset()
    for name, value in item.items():
        tag = tag_for_keyword(str(name))
        if tag is None:
            continue  # what the RIS adds for itself
        if dictionary_VR(tag) == "SQ":
            children = value if isinstance(value, list) else [value]
            out.add_new(tag, "SQ", Sequence([_dataset(child) for child in children if isinstance(child, Mapping)]))
        else:
            out.add_new(tag, dictionary_VR(tag), value)
    return out
