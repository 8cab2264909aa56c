from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.tests.captures import files
from xingwei.operations.gateway.wire import fhir, soap


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_an_envelope_and_its_fault(version: str) -> None:
    found = soap.parse(soap.wrap("<Send xmlns='urn:x'><arg0>&lt;a&gt;甲&lt;/a&gt;</arg0></Send>", version))
    assert (found.version, found.operation, soap.payload(found)) == (version, "Send", "<a>甲</a>")
    broken = soap.parse(soap.fault("没有 <权限>", version, client=True))
    assert broken.operation == "Fault"
    assert broken.fault == "没有 <权限>"
    assert broken.fault_code in ("Client", "Sender")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<a/>",
        b"<Envelope/>",
        soap.wrap(""),
        b'<!DOCTYPE a [<!ENTITY x "y">]>' + soap.wrap("<a/>"),
        b"\xff\xfe",
        soap.wrap("<a>" * 100 + "</a>" * 100),
    ],
)
def test_what_is_no_envelope(raw: bytes) -> None:
    with pytest.raises(soap.SoapProblem):
        soap.parse(raw)


@pytest.mark.parametrize("path", files("fhir"), ids=lambda path: path.name)
def test_real_resources_are_taken(path: Path) -> None:
    if path.name == "ExamplePatient.json":  # a sample of another format among the resources
        with pytest.raises(fhir.FhirProblem, match="resourceType"):
            fhir.parse(path.read_bytes())
        return
    found = fhir.parse(path.read_bytes())
    assert fhir.summary(found).type


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        ({}, "resourceType"),
        ({"resourceType": "Observation"}, "缺少 status"),
        ({"resourceType": "Patient", "id": "a b"}, "id 应是"),
        ({"resourceType": "Patient", "name": []}, "name：数组是空的"),
        ({"resourceType": "Patient", "name": [{}]}, "对象是空的"),
        ({"resourceType": "Patient", "active": None}, "不能是 null"),
        ({"resourceType": "Condition", "subject": {"reference": "nobody"}}, "reference 应形如"),
        ({"resourceType": "Bundle", "type": "x"}, "不是 R4 里的一种"),
        ({"resourceType": "Bundle", "type": "batch", "entry": [{"fullUrl": "urn:x"}]}, "缺少 request"),
        (
            {"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": "Patient"}}]},
            "MessageHeader",
        ),
    ],
)
def test_what_is_no_resource(resource: Any, why: str) -> None:
    with pytest.raises(fhir.FhirProblem, match=why.replace("[", r"\[")):
        fhir.parse(json.dumps(resource).encode())


def test_whose_resource_it_is() -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "K"},
        "subject": {"reference": "Patient/7"},
    }
    assert fhir.summary(fhir.parse(json.dumps(observation).encode())).patient == "7"
    assert json.loads(fhir.outcome("不行"))["issue"][0]["details"]["text"] == "不行"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises((fhir.FhirProblem, soap.SoapProblem)):
        fhir.parse(raw)
    with pytest.raises(soap.SoapProblem):
        soap.parse(raw)
