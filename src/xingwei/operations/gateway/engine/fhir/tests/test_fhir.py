"""HL7 v2 → FHIR R4: against published pairs, against an independent model of the standard, and as a rule of a route."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from xingwei.operations.gateway.engine.documents import DocumentProblem, read
from xingwei.operations.gateway.engine.documents.hl7 import Hl7Document
from xingwei.operations.gateway.engine.fhir import MappingProblem, convert, mapping
from xingwei.operations.gateway.engine.rules import RuleProblem, compile_route
from xingwei.operations.gateway.tests.captures import files, shared

INPUTS = {p.stem.lower(): p for p in files("hl7/ms-fhir-converter")}
PAIRS = [
    (pair, source)
    for pair in files("fhir/ms-expected-from-hl7v2")
    if pair.name[:3] in ("ADT", "ORU")
    and (source := INPUTS.get(pair.name.removesuffix("-expected.json").split("_", 2)[2].lower()))
]
MERGES = (
    "A40",
    "A41",
    "A45",
    "A47",
)  # they change links between persons; the converter behind the pairs makes no Patient


def bundle(raw: bytes) -> dict[str, Any]:
    document = read("hl7", raw)
    assert isinstance(document, Hl7Document)
    found: dict[str, Any] = json.loads(convert(document, mapping()))
    return found


def of(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in found["entry"] if e["resource"]["resourceType"] == kind]


@pytest.mark.parametrize(("pair", "source"), PAIRS, ids=lambda p: p.stem)
def test_what_the_published_pairs_expect(pair: Path, source: Path) -> None:
    expected, got = json.loads(pair.read_text("utf-8")), bundle(source.read_bytes())
    if pair.name.split("_")[1] not in MERGES:
        for want, have in zip(of(expected, "Patient"), of(got, "Patient"), strict=True):
            assert have["name"][0]["family"] == want["name"][0]["family"]
            assert have["name"][0]["given"][0] == want["name"][0]["given"][0]
            assert (have.get("birthDate"), have["gender"]) == (want.get("birthDate"), want.get("gender", "unknown"))
            assert have["identifier"][0]["value"] in [i.get("value") for i in want["identifier"]]
            assert have.get("address", [{}])[0].get("city") == want.get("address", [{}])[0].get("city")
        for want, have in zip(of(expected, "Encounter"), of(got, "Encounter"), strict=True):
            assert have["class"]["code"] == want["class"]["code"]
            assert have["status"] == want["status"]
            people = {p["type"][0]["coding"][0]["code"] for p in want.get("participant", ())}
            assert {p["type"][0]["coding"][0]["code"] for p in have.get("participant", ())} >= people
    if pair.name.startswith("ORU"):
        _same_results(expected, got)


def _same_results(expected: dict[str, Any], got: dict[str, Any]) -> None:
    def facts(found: dict[str, Any]) -> list[Any]:
        return sorted(
            (
                o["code"]["coding"][0]["code"], o["code"]["coding"][0]["display"], o["code"]["coding"][0]["system"],
                str(o.get("valueQuantity", {}).get("value")), o.get("valueQuantity", {}).get("unit"),
                o.get("effectiveDateTime"), o.get("interpretation", [{}])[0].get("coding", [{}])[0].get("code"),
                {"unknown": "registered"}.get(o["status"], o["status"]),  # I, in process: the guide says registered
            )
            for o in of(found, "Observation")
        )  # fmt: skip

    assert facts(got) == facts(expected)
    reports = [(r["code"]["coding"][0]["code"], len(r["result"])) for r in of(expected, "DiagnosticReport")]
    assert [(r["code"]["coding"][0]["code"], len(r["result"])) for r in of(got, "DiagnosticReport")] == reports


def test_every_message_of_those_types_is_converted_to_what_the_standard_allows() -> None:
    shared("hl7")
    converted = 0
    for path in files("hl7"):
        raw = path.read_bytes()
        try:
            document = read("hl7", raw)
            if not isinstance(document, Hl7Document) or document.get("MSH-9.1") not in ("ADT", "ORU"):
                continue
            made = convert(document, mapping())
        except (DocumentProblem, MappingProblem):
            continue  # aside, with a reason: the tests below
        converted += 1
        assert made == convert(read("hl7", raw), mapping()), "the same message, the same resources"  # type: ignore[arg-type]
        Bundle.model_validate_json(made)
        ids = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in json.loads(made)["entry"]}
        for reference in _references(json.loads(made)):
            assert reference in ids, f"{path.name}: {reference}"
    assert converted > 120


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [r for child in value.values() for r in _references(child)]
    return [r for child in value for r in _references(child)] if isinstance(value, list) else []


HEAD = "MSH|^~\\&|LIS|XW|||20261125080000||ORU^R01|C1|P|2.4||||||UNICODE UTF-8\rPID|1||0012^^^HIS^MR||王^小明||19900102|男\r"


def results(*segments: str) -> dict[str, Any]:
    return bundle((HEAD + "OBR|1||B1|CBC^血常规|||20261125070000\r" + "\r".join(segments) + "\r").encode())


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("OBX|1|NM|WBC^白细胞||07.10|10*9/L||H|||F",
         {"valueQuantity": {"value": "7.10", "unit": "10*9/L"}, "status": "final"}),
        ("OBX|1|NM|CRP||<0.5|mg/L|||||P",
         {"valueQuantity": {"value": "0.5", "comparator": "<", "unit": "mg/L"}, "status": "preliminary"}),
        ("OBX|1|SN|X||>^10|U/L", {"valueQuantity": {"value": "10", "comparator": ">", "unit": "U/L"}}),
        ("OBX|1|SN|X||^1^:^128", {"valueRatio": {"numerator": {"value": "1"}, "denominator": {"value": "128"}}}),
        ("OBX|1|NM|X||溶血，未测", {"valueString": "溶血，未测"}),
        ("OBX|1|ST|X||A\\T\\B", {"valueString": "A&B"}),
        ("OBX|1|TX|X||第一行~第二行", {"valueString": "第一行\n第二行"}),
        ("OBX|1|CE|X||G1^阳性^LN", {"valueCodeableConcept": {
            "coding": [{"system": "http://loinc.org", "code": "G1", "display": "阳性"}], "text": "阳性"}}),
        ("OBX|1|TS|X||202611250700", {"valueDateTime": "2026-11-25T07:00:00+08:00"}),
        ("OBX|1|NM|X||5|g/L|3.5~5.5", {"referenceRange": [{
            "low": {"value": "3.5", "unit": "g/L"}, "high": {"value": "5.5", "unit": "g/L"}, "text": "3.5~5.5"}]}),
        ("OBX|1|NM|X||5||<10", {"referenceRange": [{"high": {"value": "10"}, "text": "<10"}]}),
        ("OBX|1|NM|X||5|||↑", {"interpretation": [{"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "H"}]}]}),
    ],
)  # fmt: skip
def test_values(segment: str, expected: dict[str, Any]) -> None:
    raw = (HEAD + "OBR|1||B1|CBC^血常规\r" + segment + "\r").encode()
    document = read("hl7", raw)
    assert isinstance(document, Hl7Document)
    made = json.loads(convert(document, mapping()), parse_float=str, parse_int=str)
    (found,) = of(made, "Observation")
    assert {key: found[key] for key in expected} == expected


def test_results_that_a_device_numbers_alike_are_kept_apart_and_notes_stay_with_theirs() -> None:
    made = results("OBX||NM|WBC||1", "OBX||NM|WBC||2", "NTE|1||复查", "OBX||NM|WBC||3")
    found = of(made, "Observation")
    assert len({o["id"] for o in found}) == 3
    assert [o.get("note", [{}])[0].get("text") for o in found] == [None, "复查", None]
    assert len(of(made, "DiagnosticReport")[0]["result"]) == 3
    (patient,) = of(made, "Patient")
    assert patient["name"][0] == {"text": "王小明", "family": "王", "given": ["小明"]}
    assert patient["gender"] == "male"


RULE = {"id": "R1", "name": "转成 FHIR", "do": "fhir"}


def test_as_a_rule_and_rules_after_it_change_the_resources() -> None:
    route = compile_route(
        {
            "to": ["fhir"],
            "key": ["PID-3.1"],
            "rules": [
                {"id": "R0", "name": "补零", "do": "set", "path": "PID-3.1", "value": "99"},
                {**RULE, "tables": {"gender": "sex"}, "systems": {"HIS": "urn:oid:2.16.156.1"}},
                {"id": "R2", "name": "标记", "do": "set", "path": "entry[0].resource.active", "value": "true"},
            ],
        },
        {"sex": {"pairs": {"男": "other"}}},
    )
    raw = (HEAD + "OBR|1||B1|CBC\rOBX|1|NM|WBC||7.10\r").encode()
    applied = route.apply(read("hl7", raw))
    made = json.loads(applied.document.to_bytes())
    (patient,) = of(made, "Patient")
    assert patient["identifier"][0]["value"] == "99"
    assert patient["identifier"][0]["system"] == "urn:oid:2.16.156.1"
    assert (patient["gender"], patient["active"]) == ("other", "true")
    assert b'"value":7.10' in applied.document.to_bytes(), "digits as they were measured"
    assert [c.rule_id for c in applied.changes] == ["R0", "R1", "R2"]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([RULE, {**RULE, "id": "R2"}], "只能转换一次"),
        ([{**RULE, "when": [{"path": "PID-8", "exists": True}]}], "不能带条件"),
        ([{**RULE, "tables": {"gender": "nowhere"}}], "没有生效的编码对照"),
        ([RULE, {"id": "R2", "name": "x", "do": "set", "path": "PID-3.1[", "value": "1"}], "JSON 路径"),
    ],
)
def test_rules_that_are_refused(rules: list[Any], why: str) -> None:
    with pytest.raises(RuleProblem, match=why):
        compile_route({"to": ["f"], "rules": rules}, {})


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (HEAD + "OBX|1|NM|WBC||1\rOBR|1||B1|CBC\r", "OBX 前面没有 OBR"),
        (HEAD.replace("0012^^^HIS^MR", "") + "OBR|1||B1|CBC\r", "没有患者"),
        (HEAD.replace("ORU^R01", "MDM^T02"), "MDM不能转换"),
    ],
)
def test_messages_that_cannot_be_converted_say_why_and_go_aside(raw: str, why: str) -> None:
    route = compile_route({"to": ["f"], "rules": [RULE]}, {})
    with pytest.raises(RuleProblem, match=why):
        route.apply(read("hl7", raw.encode()))
