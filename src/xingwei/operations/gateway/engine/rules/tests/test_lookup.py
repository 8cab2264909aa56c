"""Rules that ask another system: they stop until they are answered, and give the same ever after."""

from __future__ import annotations

from typing import Any

import pytest

from xingwei.operations.gateway.engine.documents import read
from xingwei.operations.gateway.engine.rules import Needs, Question, RuleProblem, compile_route

RAW = b"MSH|^~\\&|A|B|||1||ORU^R01|C1|P|2.4\rPID|1||\rOBR|1||B1\rOBX|1|NM|K||4.1\rOBR|2||B2\rOBX|2|NM|NA||140\r"
RULE = {
    "id": "R5",
    "name": "按条码取患者号",
    "do": "lookup",
    "path": "OBR-3.1",
    "to": "PID-3.1",
    "source": "lis",
    "column": "pid",
}
Q1, Q2 = Question("lis", "B1"), Question("lis", "B2")


def route(*rules: dict[str, Any]) -> Any:
    return compile_route({"to": ["x"], "rules": list(rules)}, {})


def test_it_asks_first_and_then_writes_what_was_found_with_the_rule_that_did() -> None:
    made = route(RULE)
    assert made.sources == ("lis",)
    with pytest.raises(Needs, match="lis") as needs:
        made.apply(read("hl7", RAW))
    assert needs.value.questions == (Q1,)
    applied = made.apply(read("hl7", RAW), answers={Q1: {"pid": "P9", "name": "王"}})
    assert applied.document.get("PID-3.1") == "P9"
    assert [(c.path, c.before, c.after, c.rule_id) for c in applied.changes] == [("PID-3.1", "", "P9", "R5")]


def test_the_same_occurrence_and_the_answers_of_earlier_rules_are_asked_about() -> None:
    each = {**RULE, "path": "OBR[*]-3.1", "to": "OBR[*]-10.1", "when": [{"path": "OBR[*]-1", "exists": True}]}
    ward = {**RULE, "id": "R6", "path": "OBR[*]-10.1", "to": "OBR[*]-11.1", "source": "his", "column": "ward"}
    made = route(each, ward)
    answers: dict[Question, Any] = {}
    asked = []
    while True:
        try:
            applied = made.apply(read("hl7", RAW), answers=answers)
            break
        except Needs as needs:
            asked.append(needs.questions)
            answers |= {q: {"pid": f"P-{q.value}", "ward": f"W-{q.value}"} for q in needs.questions}
    assert asked == [(Q1, Q2), (Question("his", "P-B1"), Question("his", "P-B2"))]
    assert applied.document.all("OBR[*]-11.1") == ["W-P-B1", "W-P-B2"]


@pytest.mark.parametrize(
    ("more", "answer", "expected"),
    [
        ({}, None, ""),
        ({"missing": "default", "default": "未知"}, None, "未知"),
        ({"missing": "default", "default": "未知"}, {"pid": ""}, "未知"),
        ({}, {"pid": "P9"}, "P9"),
    ],
)
def test_what_becomes_of_a_question_without_an_answer(more: Any, answer: Any, expected: str) -> None:
    applied = route({**RULE, **more}).apply(read("hl7", RAW), answers={Q1: answer})
    assert applied.document.get("PID-3.1") == expected


@pytest.mark.parametrize(
    ("rule", "answer", "why"),
    [({**RULE, "missing": "refuse"}, None, "查不到"), ({**RULE, "column": "mrn"}, {"pid": "P9"}, "没有“mrn”这一项")],
)
def test_what_puts_the_message_aside(rule: Any, answer: Any, why: str) -> None:
    with pytest.raises(RuleProblem, match=why):
        route(rule).apply(read("hl7", RAW), answers={Q1: answer})


def test_nothing_is_asked_where_the_condition_does_not_hold_or_nothing_stands_there() -> None:
    rules = [{**RULE, "when": [{"path": "PID-3.1", "exists": True}]}, {**RULE, "id": "R6", "path": "OBR-20.1"}]
    assert route(*rules).apply(read("hl7", RAW)).document.to_bytes() == RAW


@pytest.mark.parametrize("missing", ["path", "to", "source", "column"])
def test_a_rule_that_is_not_complete(missing: str) -> None:
    with pytest.raises(RuleProblem, match=missing):
        route({key: value for key, value in RULE.items() if key != missing})
