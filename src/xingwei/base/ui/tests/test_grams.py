from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.ui.grams import facet, grams, holds, query_grams, query_triples, terms, triples

TEXT = st.text(alphabet="医保无法收费HIS系统，。 0123Ａ１", max_size=40)


@given(TEXT, st.data())
def test_what_stands_in_a_text_is_found_by_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    part = text[start : start + data.draw(st.integers(0, 6))]
    assert set(query_grams(part)) <= set(grams(text)) or not holds(text, part)
    if holds(text, part):
        assert set(query_grams(part)) <= set(grams(text))


@given(TEXT, st.data())
def test_triples_lose_nothing_that_stands_in_a_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    part = text[start : start + data.draw(st.integers(0, 8))]
    if holds(text, part):
        assert set(query_triples(part)) <= {*grams(text), *triples(text)}


def test_a_word_whose_pairs_stand_apart_is_told_from_the_word() -> None:
    text = "医保、保费"
    assert set(query_grams("医保费")) <= set(grams(text))
    assert not set(query_triples("医保费")) <= {*grams(text), *triples(text)}


@given(TEXT)
def test_triples_meet_neither_pairs_nor_facets(text: str) -> None:
    assert all(0xD800 <= (n & 0xFFFFFFFF) >> 16 <= 0xDFFF for n in triples(text))
    assert all(-(2**31) <= n < 2**31 for n in triples(text))


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("医保无法收费", "医保", True),
        ("医保无法收费", "收费 医保", True),
        ("医保无法收费", "保收", False),
        ("医保，收费", "保收", False),
        ("ＨＩＳ 打不开", "his", True),
        ("abcbcd", "abcd", False),
        ("急诊", "诊", True),
        ("𠮷野家", "𠮷野", True),
        ("", "医保", False),
        ("头孢曲松皮试", "头孢皮试", False),
    ],
)
def test_exactly_the_words_are_found(text: str, query: str, found: bool) -> None:
    assert holds(text, query) is found


def test_numbers_fit_a_signed_32_bit_integer() -> None:
    assert all(-(2**31) <= n < 2**31 for n in grams("\uffff\uff9f龟￿a𠮷"))


def test_a_query_of_signs_asks_for_nothing() -> None:
    assert terms("，。！ ") == []
    assert query_grams("——") == []


def test_facets_never_meet_words() -> None:
    """Letters, digits and characters lie below; rarer ones are folded to below 65,521."""
    assert max(n for n in range(0x10000) if chr(n).isalnum()) < 0xFFF1
    assert {facet(kind, 1) & 0xFFFFFFFF for kind in range(15)} == {(0xFFF1 + kind) << 16 | 1 for kind in range(15)}
    assert all((n & 0xFFFFFFFF) >> 16 < 0xFFF1 for n in grams("𠮷野家𪚥ｱﾟ医保\U000323af"))
