from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.ui.datafiles import FileProblems, Problem, decode, read, validate

SCHEMA = {
    "type": "object",
    "required": ["year"],
    "additionalProperties": False,
    "properties": {
        "year": {"type": "integer", "minimum": 2000},
        "days": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["date", "name"],
                "properties": {
                    "date": {"type": "string", "format": "date"},
                    "name": {"type": "string", "maxLength": 3},
                },
            },
        },
    },
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year: 2026\nyear: 2027\n", "a.yaml 第 2 行：“year”写了两遍"),
        ("year: [2026\n", "a.yaml 第 2 行：不是正确的 YAML"),
        ("- 2026\n", "a.yaml 第 1 行：最上层应是"),
        ("a: &x 1\nb: *x\n", "a.yaml 第 2 行：不支持 YAML 的引用"),
        ("a: \x00\n", "a.yaml：不是正确的 YAML"),
        ("when: 2026-99-99\n", "a.yaml：不是正确的 YAML"),
        ("[" * 500_000, "a.yaml 第 1 行：层次太深"),
    ],
)
def test_broken_files_are_refused_with_file_and_line(text: str, said: str) -> None:
    with pytest.raises(FileProblems) as refused:
        read({"a.yaml": text})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("days: []\n", "缺少“year”"),
        ("year: 1999\n", "a.yaml 第 1 行：year：“1999” 超出范围，应不小于 2000"),
        ("year: 二〇二六\n", "应是整数"),
        ("year: 2026\nextra: 1\n", "没有“extra”这一项，可写的是：year、days"),
        (
            "year: 2026\ndays:\n  - {date: '2026-02-30', name: 春}\n",
            "a.yaml 第 3 行：days[0].date：“2026-02-30” 不是存在的日期",
        ),
        (
            "year: 2026\ndays:\n  - {date: 2026-02-03, name: 春}\n",
            "days[0].date：应是文字，写成了 “2026-02-03”，请加引号",
        ),
        ("year: 2026\ndays:\n\n  - {name: 春节假期}\n", "a.yaml 第 4 行：days[0].name：“春节假期” 太长，最多 3 字"),
        ("year: 2026\ndays:\n\n  - {name: 春节假期}\n", "days[0]：缺少“date”"),
    ],
)
def test_what_the_schema_refuses_is_said_at_its_place(text: str, said: str) -> None:
    problems = validate(read({"a.yaml": text}), SCHEMA)
    assert any(said in str(p) for p in problems), [str(p) for p in problems]


def test_lists_of_several_files_are_joined_and_keep_their_places() -> None:
    source = read({"b.yaml": "days:\n  - {x: 3}\n", "a.yaml": "year: 2026\ndays:\n  - {x: 1}\n  - {x: 2}\n"})
    assert [d["x"] for d in source.document["days"]] == [1, 2, 3]
    assert str(source.locate(Problem("错", ("days", 2, "x")))) == "b.yaml 第 2 行：days[2].x：错"
    assert str(source.locate(Problem("错", ("days", 1)))) == "a.yaml 第 4 行：days[1]：错"
    with pytest.raises(FileProblems, match="已写在 a"):
        read({"b.yaml": "year: 2027\n", "a.yaml": "year: 2026\n"})


@given(st.text(max_size=60))
def test_any_text_is_a_document_or_a_complaint(text: str) -> None:
    with suppress(FileProblems):
        assert isinstance(validate(read({"a.yaml": text}), SCHEMA), list)


def test_files_of_chinese_windows_are_read() -> None:
    assert decode("年".encode("gbk")) == decode("年".encode()) == decode("\ufeff年".encode()) == "年"
    with pytest.raises(FileProblems, match="不是文字文件"):
        decode(b"\xff\xfe\xff\xff")
