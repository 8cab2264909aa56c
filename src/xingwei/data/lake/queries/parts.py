"""The committed files of a dataset."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from .. import files, models
from ..engine.datasets import datasets


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file. day: None where the dataset is one snapshot. digest: SHA-256 of the file's bytes."""

    path: Path
    day: dt.date | None
    rows: int
    digest: str
    mapping: str = ""


def parts(dataset: str, since: dt.date, until: dt.date) -> list[Part]:
    """The files with the days since ≤ day ≤ until, ordered; a snapshot whatever the days.

    A file stays readable for at least an hour after a newer one replaced it. Raises KeyError for an unknown dataset.
    """
    datasets()[dataset]
    rows = (
        models.Part.objects.filter(dataset=dataset)
        .exclude(day__lt=since)
        .exclude(day__gt=until)
        .order_by("day", "mapping__code")
        .values_list("path", "day", "rows", "digest", "mapping__code")
    )
    root = files.root()
    return [Part(root / path, day, count, digest, mapping) for path, day, count, digest, mapping in rows]
