"""What a coverage-guided fuzzer throws bytes at: every codec of the gateway. `python -m …tests.fuzz -max_total_time=60`
where atheris is installed; tests/test_fuzz.py runs it for some seconds, and hypothesis always."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from xingwei.operations.gateway.channels.dicom.worklist import answers
from xingwei.operations.gateway.engine.documents import KINDS, DocumentProblem, read
from xingwei.operations.gateway.engine.rules import RuleProblem, compile_route
from xingwei.operations.gateway.wire import fhir, insurance, soap
from xingwei.operations.gateway.wire.astm_frames import Limits, Message, Receiver
from xingwei.operations.gateway.wire.astm_records import messages, summary
from xingwei.operations.gateway.wire.hl7 import Hl7Error, facts, head
from xingwei.operations.gateway.wire.mllp import Reader

_RULES: list[dict[str, Any]] = [
    {"id": "1", "name": "补位", "do": "pad", "path": "PID-3[*].1", "width": 9},
    {"id": "2", "name": "排序", "do": "reorder", "segment": "OBX", "renumber": True},
    {"id": "3", "name": "换算", "do": "scale", "path": "OBX[*]-5", "factor": "10", "digits": 2},
    {"id": "4", "name": "转码", "do": "charset", "to": "GB18030"},
    {"id": "5", "name": "拆分", "do": "split", "by": "OBR"},
]
_ROUTE = compile_route({"rules": _RULES, "to": []}, {})


def documents(data: bytes) -> None:
    """Read or refused; unchanged bytes come back as they were."""
    for kind in KINDS:
        with suppress(DocumentProblem):
            document = read(kind, data)
            for _ in document.fields():
                pass
            assert document.to_bytes() == data


def rules(data: bytes) -> None:
    with suppress(DocumentProblem, RuleProblem):
        for part in _ROUTE.apply(read("hl7", data)).parts:
            part.to_bytes()


def astm(data: bytes) -> None:
    """Bounded, and what is handed out was received."""
    receiver = Receiver(limits=Limits(200, 400), needs_enq=False)
    for at in range(0, len(data), 13):
        for action in receiver.feed(data[at : at + 13], float(at)):
            assert not isinstance(action, Message) or len(action.text) <= 400
        while receiver._pending is not None:
            receiver.settle(at % 2 == 0, float(at))
    receiver.close()
    assert b"".join(messages(data)) == data
    summary(data)


def mllp(data: bytes) -> None:
    reader = Reader(500)
    for at in range(0, len(data), 17):
        reader.feed(data[at : at + 17])
    for frame in reader.close():
        with suppress(Hl7Error):
            facts(frame.body, head(frame.body))


def envelopes(data: bytes) -> None:
    insurance.judge(200, data)
    with suppress(insurance.EnvelopeProblem):
        document = insurance.parse(data)
        insurance.data_of(document)
        assert insurance.parse(insurance.dump(document, insurance.Profile())) == document
        insurance.check(document)
    with suppress(soap.SoapProblem):
        soap.payload(soap.parse(data))
    with suppress(fhir.FhirProblem):
        fhir.summary(fhir.parse(data))


def worklist(data: bytes) -> None:
    from pydicom.dataset import Dataset

    with suppress(ValueError, TypeError, KeyError, NotImplementedError, OverflowError, AttributeError):
        list(answers(data, Dataset()))


TARGETS: tuple[Callable[[bytes], None], ...] = (documents, rules, astm, mllp, envelopes, worklist)


def everything(data: bytes) -> None:
    for target in TARGETS:
        target(data)


def main() -> None:
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, everything)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
