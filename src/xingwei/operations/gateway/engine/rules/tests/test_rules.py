"""The rule language: what each verb does to real messages, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from xingwei.operations.gateway.engine.documents import read
from xingwei.operations.gateway.engine.rules import VERBS, RuleProblem, compile_route

ORU = (
    b"MSH|^~\\&|ELite 580|Erba|||20250628173333||ORU^R01|42|P|2.3.1\rPID|1||00123^^^A~456^^^B||WANG\r"
    b"OBR|1||25059651|CBC\rOBX|37|IS|13105^Lymphocytosis||T||||||F\rOBX|1|NM|718-7^HGB^LN||13.4|g/dL|11.0-16.0|N|||F\r"
    b"NTE|1||seen\rOBX|2|NM|731-0^LYM#^LN||<2.50|10*3/uL||A|||F\rZPI|secret\r"
)
MAPS = {
    "m": {"pairs": {"718-7": "HGB", "731-0": "LYM"}, "missing": "keep"},
    "strict": {"pairs": {"N": "正常"}, "missing": "refuse"},
}


def run(rule: dict[str, Any], raw: bytes = ORU, kind: str = "hl7") -> Any:
    route = compile_route({"rules": [{"id": "r1", "name": "规则一", **rule}], "to": ["lis"]}, MAPS, kind)
    document = read(kind, raw)
    applied = route.apply(document)
    return document, applied


@pytest.mark.parametrize(
    ("rule", "path", "values"),
    [
        ({"do": "set", "path": "MSH-5", "value": "LIS"}, "MSH-5", ["LIS"]),
        ({"do": "map", "path": "OBX[*]-3.1", "map": "m"}, "OBX[*]-3.1", ["13105", "HGB", "LYM"]),
        (
            {"do": "map", "path": "OBX[*]-3.1", "map": "m", "missing": "default", "default": "?"},
            "OBX[*]-3.1",
            ["?", "HGB", "LYM"],
        ),
        ({"do": "map", "path": "OBX[*]-3.1", "map": "m", "to": "OBX[*]-3.4"}, "OBX[*]-3.4", ["13105", "HGB", "LYM"]),
        ({"do": "scale", "path": "OBX[*]-5", "factor": "10"}, "OBX[*]-5", ["T", "134", "<25"]),
        ({"do": "scale", "path": "OBX[*]-5", "factor": "0.1", "digits": 2}, "OBX[*]-5", ["T", "1.34", "<0.25"]),
        ({"do": "copy", "path": "OBX[*]-4", "from": "OBX[*]-1"}, "OBX[*]-4", ["37", "1", "2"]),
        ({"do": "copy", "path": "PID-2", "from": "OBR-3"}, "PID-2", ["25059651"]),
        ({"do": "replace", "path": "OBR-3", "pattern": "^(..)(.*)$", "with": "\\2-\\1"}, "OBR-3", ["059651-25"]),
        ({"do": "pad", "path": "OBR-3", "width": 10}, "OBR-3", ["0025059651"]),
        ({"do": "strip", "path": "PID-3.1", "chars": "0", "side": "left"}, "PID-3.1", ["123"]),
        ({"do": "cut", "path": "OBR-3", "start": 3, "length": 2}, "OBR-3", ["05"]),
        ({"do": "case", "path": "PID-5", "to": "lower"}, "PID-5", ["wang"]),
        ({"do": "date", "path": "MSH-7", "to": "%Y-%m-%d"}, "MSH-7", ["2025-06-28"]),
        ({"do": "remove", "path": "OBX[*]-8"}, "OBX[*]-8", ["", "", ""]),
        ({"do": "drop_segment", "path": "ZPI"}, "ZPI-1", []),
        (
            {"do": "drop_segment", "path": "OBX[*]", "when": [{"path": "OBX[*]-2", "equals": "IS"}]},
            "OBX[*]-1",
            ["1", "2"],
        ),
        ({"do": "default", "path": "OBX[*]-7", "value": "-"}, "OBX[*]-7", ["-", "11.0-16.0", "-"]),
        ({"do": "first_repetition", "path": "PID-3"}, "PID-3", ["00123^^^A"]),
        ({"do": "reorder", "segment": "OBX"}, "OBX[*]-1", ["1", "2", "37"]),
        ({"do": "reorder", "segment": "OBX", "renumber": True}, "OBX[*]-1", ["1", "2", "3"]),
        ({"do": "insert", "text": "NTE|2||自动", "after": "OBR"}, "NTE[1]-3", ["自动"]),
        ({"do": "charset", "to": "GB18030"}, "MSH-18", ["GB 18030-2000"]),
        ({"do": "require", "path": "OBR-3"}, "OBR-3", ["25059651"]),
        ({"do": "width", "path": "OBR-3"}, "OBR-3", ["25059651"]),
    ],
)
def test_what_a_verb_does(rule: dict[str, Any], path: str, values: list[str]) -> None:
    document, applied = run(rule)
    assert document.all(path) == values
    assert bool(applied.changes) == (document.to_bytes() != ORU)
    assert all(change.rule_id == "r1" and change.rule_name == "规则一" for change in applied.changes)
    assert not applied.dropped
    assert applied.parts == [document]


def test_a_changed_unit_goes_with_its_value() -> None:
    document, applied = run(
        {
            "do": "scale",
            "path": "OBX[*]-5",
            "factor": "10",
            "unit": {"path": "OBX[*]-6", "value": "g/L"},
            "when": [{"path": "OBX[*]-3.1", "equals": "718-7"}],
        }
    )
    assert document.all("OBX[*]-5") == ["T", "134", "<2.50"]
    assert document.all("OBX[*]-6") == ["", "g/L", "10*3/uL"]
    assert [(c.path, c.before, c.after) for c in applied.changes] == [
        ("OBX[2]-5", "13.4", "134"),
        ("OBX[2]-6", "g/dL", "g/L"),
    ]


def test_notes_move_with_their_observation() -> None:
    document, _ = run({"do": "reorder", "segment": "OBX"})
    assert [
        line.split("|")[0] + line.split("|")[1]
        for line in document.to_bytes().decode().split("\r")
        if line[:3] in ("OBX", "NTE")
    ] == [
        "OBX1",
        "NTE1",
        "OBX2",
        "OBX37",
    ]


def test_a_message_that_is_dropped() -> None:
    _, applied = run({"do": "drop", "when": [{"path": "OBX[*]-2", "equals": "IS"}]})
    assert applied.dropped
    _, applied = run(
        {"do": "drop", "when": [{"path": "OBX[*]-2", "equals": "IS", "not": True}, {"path": "MSH-3", "equals": "x"}]}
    )
    assert not applied.dropped


def test_a_message_is_split_by_order() -> None:
    raw = b"MSH|^~\\&|A|B|||1||ORU^R01|7|P|2.4\rPID|1||9\rORC|RE\rOBR|1||A\rOBX|1\rOBR|2||B\rOBX|1\rOBX|2\r"
    _, applied = run({"do": "split", "by": "OBR"}, raw)
    assert [part.get("MSH-10") for part in applied.parts] == ["7-1", "7-2"]
    assert [part.get("OBR-3") for part in applied.parts] == ["A", "B"]
    assert [len(part.all("OBX[*]-1")) for part in applied.parts] == [1, 2]
    assert all(part.get("PID-3") == "9" for part in applied.parts)
    assert applied.parts[0].get("ORC-1") == "RE"
    astm = b"H|\\^&|5\rP|1\rO|1|A\rR|1\rO|2|B\rR|1\rL|1|N\r"
    _, applied = run({"do": "split"}, astm, "astm")
    assert [part.to_bytes() for part in applied.parts] == [
        b"H|\\^&|5-1\rP|1\rO|1|A\rR|1\rL|1|N\r",
        b"H|\\^&|5-2\rP|1\rO|2|B\rR|1\rL|1|N\r",
    ]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"do": "map", "path": "OBX[*]-8", "map": "strict"}, "编码“A”不在对照“strict”里"),
        ({"do": "require", "path": "OBR-99", "say": "没有条码"}, "没有条码"),
        ({"do": "require", "path": "OBX[*]-7"}, "OBX\\[\\*\\]-7 是空的"),
        ({"do": "date", "path": "OBR-3", "to": "%Y"}, "不是 %Y%m%d%H%M%S 形式的时间"),
        ({"do": "scale", "path": "OBX[*]-5", "text": "refuse"}, "“T”不是数"),
        ({"do": "set", "path": "PV1-2", "value": "I"}, "没有 PV1-2 所在的段"),
        ({"do": "insert", "text": "NTE|1", "after": "PV1"}, "没有 PV1 段"),
        ({"do": "set", "path": "PID-5", "value": "\x0b"}, "控制字符"),
    ],
)
def test_a_rule_that_cannot_be_applied_says_which_and_why(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(RuleProblem, match=why) as caught:
        run(rule)
    assert (caught.value.rule_id, caught.value.rule_name) == ("r1", "规则一")
    assert str(caught.value).startswith("规则“规则一”：")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"do": "eval", "path": "PID-1"}, "没有“eval”这个动作"),
        ({"path": "PID-1"}, "缺少“do”"),
        ({"do": "set", "path": "x", "value": ""}, "不是字段路径"),
        ({"do": "map", "path": "PID-1", "map": "none"}, "没有编码对照“none”"),
        ({"do": "replace", "path": "PID-1", "pattern": "("}, "正则表达式不能用"),
        ({"do": "replace", "path": "PID-1", "pattern": "(a)", "with": "\\7"}, "替换成的文字不对"),
        ({"do": "replace", "path": "PID-1", "pattern": "(?=a)"}, "不支持前后断言"),
        ({"do": "scale", "path": "PID-1", "factor": "NaN"}, "有限的数"),
        ({"do": "charset", "to": "klingon"}, "“to”应是"),
        ({"do": "pad", "path": "PID-1", "width": -1}, "整数"),
        ({"do": "set", "path": "PID-1", "value": "x", "when": [{"path": "PID-1"}]}, "equals、in、matches 或 exists"),
        ({"do": "set", "path": "PID-1", "value": "x", "when": [{"path": "$sql", "equals": ""}]}, "没有“\\$sql”"),
        ({"do": "drop_segment", "path": "PID-3"}, "删除段要写段名"),
        ({"do": "date", "path": "PID-1", "to": "%c"}, "日期格式只能用"),
        ({"do": "reorder", "segment": "obx"}, "段名"),
    ],
)
def test_a_rule_that_is_none_is_refused_before_any_message(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(RuleProblem, match=why):
        run(rule)


def test_the_same_number_twice_is_refused() -> None:
    rules = [{"id": "a", "name": "x", "do": "drop"}] * 2
    with pytest.raises(RuleProblem, match="编号重复"):
        compile_route({"rules": rules, "to": []}, {})


class _Got:
    raw, charset, control_id, type, key, patient, reference, peer = (
        ORU,
        "",
        "42",
        "ORU^R01",
        "",
        "00123",
        "25059651",
        "10.0.0.1",
    )


def test_which_messages_a_route_takes_and_in_what_order_they_stay() -> None:
    route = compile_route(
        {
            "when": [
                {"path": "$type", "in": ["ORU^R01"]},
                {"any": [{"path": "MSH-3", "matches": "^ELite"}, {"path": "MSH-4", "equals": "X"}]},
            ],
            "key": ["OBR-3", "PID-3.1"],
            "to": ["lis"],
        },
        {},
    )
    assert route.matches(_Got())
    assert route.matches(read("hl7", ORU))
    assert route.key(_Got()) == "25059651|00123"
    assert route.targets == ["lis"]
    assert not route.matches(read("hl7", ORU.replace(b"ELite", b"BC-")))


def test_an_expression_that_would_hang_others_does_not() -> None:
    raw = ORU.replace(b"WANG", b"a" * 50_000 + b"!")
    document, _ = run({"do": "replace", "path": "PID-5", "pattern": "^(a+)+$", "with": "x"}, raw)
    assert document.get("PID-5").startswith("aaa")


def test_rules_work_on_json() -> None:
    raw = '{"items":[{"code":"718-7","v":13.4},{"code":"x","v":2}],"fee":{"sum":"１２"}}'.encode()
    document, applied = run({"do": "map", "path": "items[*].code", "map": "m"}, raw, "json")
    assert document.all("items[*].code") == ["HGB", "x"]
    assert applied.changes[0].path == "items[0].code"
    document, _ = run(
        {"do": "scale", "path": "items[*].v", "factor": "10", "when": [{"path": "items[*].code", "equals": "718-7"}]},
        raw,
        "json",
    )
    assert document.all("items[*].v") == ["134", "2"]
    document, _ = run({"do": "width", "path": "fee.sum"}, raw, "json")
    assert document.get("fee.sum") == "12"


def test_every_verb_stands_in_the_schema() -> None:
    import json
    from pathlib import Path

    schema = json.loads((Path(__file__).parents[3] / "data" / "route.schema.json").read_text())
    assert set(schema["$defs"]["rule"]["properties"]["do"]["enum"]) == set(VERBS)
