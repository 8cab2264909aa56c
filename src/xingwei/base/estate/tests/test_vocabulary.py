from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.estate.engine import Term, Vocabulary

WORDS = Vocabulary(
    [
        Term("HIS", "HIS"),
        Term("挂号", "HIS", function="his-register", window=True),
        Term("医保", "YB"),
        Term("医保结算", "YB", function="yb-settle", window=True),
        Term("医保对账", "HIS", subsystem="his-check"),
        Term("医保对账", "YB", subsystem="yb-check"),
        Term("HIS 数据库", "HIS", component="HIS-DB"),
        Term("一", "OPD"),
    ]
)


def found(text: str) -> list[str]:
    return [hit.word for hit in WORDS.find(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("医保结算不了", ["医保结算"]),
        ("医保无法收费，挂号也慢", ["医保", "挂号"]),
        ("ＨＩＳ 登不上", ["his"]),
        ("this is history", []),
        ("挂 号打不开", ["挂号"]),
        ("HIS  数据库 满了", ["his数据库"]),
        ("一张纸", []),
        ("", []),
        ("😀挂号😀", ["挂号"]),
    ],
)
def test_the_longest_words_are_found_as_people_write_them(text: str, words: list[str]) -> None:
    assert found(text) == words


def test_a_word_of_two_systems_says_both() -> None:
    [hit] = WORDS.find("昨天医保对账不平")
    assert [t.system for t in hit.terms] == ["HIS", "YB"]


@given(st.text(max_size=80))
def test_hits_stand_in_the_text_and_never_overlap(text: str) -> None:
    end = 0
    for hit in WORDS.find(text):
        assert hit.at >= end
        end = hit.at + len(hit.word)
        assert all(hit.terms)


@given(st.lists(st.text(alphabet="挂号医保结算his ", min_size=2, max_size=6), max_size=8), st.text(max_size=40))
def test_every_word_is_found_in_itself(words: list[str], text: str) -> None:
    vocabulary = Vocabulary(Term(w, "X") for w in words)
    vocabulary.find(text)
    for word in words:
        if len(word.replace(" ", "")) >= 2 and not word.replace(" ", "").isascii():
            assert vocabulary.find(word)
