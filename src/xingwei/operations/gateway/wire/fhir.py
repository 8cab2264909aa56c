"""FHIR R4 (4.0.1) resources in JSON, checked structurally: what a router must rely on, not a profile validator. Pure.

Checked: the shape of JSON (section 2.6.2), `resourceType`, ids, references, the required elements of the resources
that hospitals exchange, and bundles with their entries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LARGEST = 32 * 1024 * 1024
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_NAME = re.compile(r"[A-Z][A-Za-z]{1,60}")
_REFERENCE = re.compile(r"(?:(?:https?|urn):\S+|#\S*|(?:[A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/\S+)?)")
_BUNDLES = ("document", "message", "transaction", "transaction-response", "batch", "batch-response", "history",
            "searchset", "collection")  # fmt: skip
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Observation": ("status", "code"),
    "DiagnosticReport": ("status", "code"),
    "Encounter": ("status", "class"),
    "ServiceRequest": ("status", "intent", "subject"),
    "MedicationRequest": ("status", "intent", "subject"),
    "Condition": ("subject",),
    "Procedure": ("status", "subject"),
    "AllergyIntolerance": ("patient",),
    "Immunization": ("status", "vaccineCode", "patient"),
    "Appointment": ("status", "participant"),
    "Claim": ("status", "type", "use", "patient", "created", "provider", "priority", "insurance"),
    "Coverage": ("status", "beneficiary", "payor"),
    "DocumentReference": ("status", "content"),
    "MessageHeader": ("source",),
    "Composition": ("status", "type", "date", "author", "title"),
    "OperationOutcome": ("issue",),
    "Bundle": ("type",),
}
_DEEPEST = 40


class FhirProblem(ValueError):
    """No FHIR resource. Chinese; `place` is a FHIRPath-like address."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place}：{reason}" if place else reason)
        self.reason = str(self)


@dataclass(frozen=True, slots=True)
class Summary:
    """type: `Observation`, `Bundle/transaction`. patient: the id of the subject."""

    type: str
    id: str = ""
    patient: str = ""
    reference: str = ""


def parse(raw: bytes) -> dict[str, Any]:
    """A checked resource. Raises FhirProblem."""
    if len(raw) > LARGEST:
        raise FhirProblem("资源超过 32 MB。")
    try:
        resource = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise FhirProblem("不是 UTF-8 的 JSON。") from None
    check(resource)
    return dict(resource)


def check(resource: Any, place: str = "") -> None:
    """Raises FhirProblem where the structure is not FHIR's."""
    if not isinstance(resource, Mapping):
        raise FhirProblem("资源应是 JSON 对象。", place)
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not _NAME.fullmatch(kind):
        raise FhirProblem("缺少 resourceType。", place)
    place = place or kind
    if "id" in resource and not (isinstance(resource["id"], str) and _ID.fullmatch(resource["id"])):
        raise FhirProblem("id 应是 1 到 64 个字母、数字、- 或 .。", place)
    for name in REQUIRED.get(kind, ()):
        if name not in resource:
            raise FhirProblem(f"缺少 {name}。", place)
    _shape(resource, place, 0)
    if kind == "Bundle":
        _bundle(resource, place)
    for number, contained in enumerate(resource.get("contained") or []):
        check(contained, f"{place}.contained[{number}]")


def _shape(value: Any, place: str, depth: int) -> None:
    """FHIR's JSON has no empty objects, arrays or strings, and no nulls outside arrays of primitives."""
    if depth > _DEEPEST:
        raise FhirProblem(f"嵌套超过 {_DEEPEST} 层。", place)
    if isinstance(value, Mapping):
        if not value:
            raise FhirProblem("对象是空的。", place)
        if isinstance(found := value.get("reference"), str) and not _REFERENCE.fullmatch(found):
            raise FhirProblem("reference 应形如 Patient/123 或一个网址。", place)
        for name, child in value.items():
            if name not in ("contained", "resource"):
                _shape(child, f"{place}.{name}", depth + 1)
    elif isinstance(value, list):
        if not value:
            raise FhirProblem("数组是空的。", place)
        for number, child in enumerate(value):
            if child is not None:
                _shape(child, f"{place}[{number}]", depth + 1)
    elif value is None:
        raise FhirProblem("不能是 null。", place)
    elif value == "":
        raise FhirProblem("不能是空字符串。", place)


def _bundle(bundle: Mapping[str, Any], place: str) -> None:
    if bundle.get("type") not in _BUNDLES:
        raise FhirProblem("Bundle.type 不是 R4 里的一种。", place)
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise FhirProblem("entry 应是数组。", place)
    for number, entry in enumerate(entries):
        here = f"{place}.entry[{number}]"
        if not isinstance(entry, Mapping):
            raise FhirProblem("应是对象。", here)
        if bundle["type"] in ("transaction", "batch") and not isinstance(entry.get("request"), Mapping):
            raise FhirProblem("缺少 request。", here)
        if "resource" in entry:
            check(entry["resource"], f"{here}.resource")
    if bundle["type"] == "message" and _type_of(entries, 0) != "MessageHeader":
        raise FhirProblem("消息 Bundle 的第一个资源应是 MessageHeader。", place)
    if bundle["type"] == "document" and _type_of(entries, 0) != "Composition":
        raise FhirProblem("文档 Bundle 的第一个资源应是 Composition。", place)


def _type_of(entries: list[Any], at: int) -> str:
    entry = entries[at] if len(entries) > at else {}
    return str((entry.get("resource") or {}).get("resourceType", "")) if isinstance(entry, Mapping) else ""


def resources(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The resource itself, or those of a bundle."""
    if resource.get("resourceType") != "Bundle":
        yield resource
        return
    for entry in resource.get("entry") or []:
        if isinstance(entry.get("resource"), Mapping):
            yield entry["resource"]


def summary(resource: Mapping[str, Any]) -> Summary:
    kind = str(resource["resourceType"])
    patient = reference = ""
    for one in resources(resource):
        patient = patient or _patient(one)
        reference = reference or _identifier(one)
    if kind == "Bundle":
        kind = f"Bundle/{resource.get('type', '')}"
    return Summary(kind, str(resource.get("id", "")), patient, reference)


def _patient(resource: Mapping[str, Any]) -> str:
    if resource.get("resourceType") == "Patient":
        return _identifier(resource) or str(resource.get("id", ""))
    for name in ("subject", "patient", "beneficiary"):
        found = resource.get(name)
        if isinstance(found, Mapping) and str(found.get("reference", "")).startswith("Patient/"):
            return str(found["reference"]).split("/")[1]
    return ""


def _identifier(resource: Mapping[str, Any]) -> str:
    found = resource.get("identifier")
    if isinstance(found, list):
        found = found[0] if found else None
    return str(found.get("value", "")) if isinstance(found, Mapping) else ""


def outcome(text: str, code: str = "processing", severity: str = "error") -> bytes:
    """An OperationOutcome that says the sentence."""
    issue = {"severity": severity, "code": code, "details": {"text": text}, "diagnostics": text}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}, ensure_ascii=False).encode()
