"""The transcription is the document: whole, in order, character for character; and every clause stands in it."""

from __future__ import annotations

import re

from xingwei.service.contract.engine.loader import Loaded
from xingwei.service.contract.engine.transcript import source_lines, transcript

from .conftest import GUANGYUAN

SOURCE = (GUANGYUAN / "source.txt").read_text(encoding="utf-8")


def test_the_data_give_the_document_back_line_by_line(loaded: Loaded) -> None:
    assert transcript(loaded.contract) == source_lines(SOURCE)


def test_not_even_a_space_inside_a_line_is_lost(loaded: Loaded) -> None:
    """The words themselves, beyond the normal form: only the blank of the date line is left out."""
    marks = re.compile(r"\[bookmark: [^\]]*\]")
    exact = {marks.sub("", line).strip() for line in SOURCE.splitlines()} - {""}
    blank = {line for line in exact if line.startswith("考评日期")}
    assert len(blank) == 1
    words = {line.strip() for text in loaded.contract.words.values() for line in text.split("\n")}
    card = loaded.contract.scorecard
    cells = {c for column in card.columns for c in column} | {i.number for i in card.items}
    labels = {card.caption, card.total_label, card.remarks_label, card.overall_label}
    assert exact - blank - words - cells - labels == set()


def test_every_clause_is_attached_to_words_of_the_document(loaded: Loaded) -> None:
    contract = loaded.contract
    attached = {clause for passage in contract.walk() for clause in passage.clauses}
    assert len(contract.clauses) == 72
    assert [c.id for c in contract.clauses if c.id not in attached] == []
    assert attached <= set(contract.clause_by_id)


def test_a_clause_of_one_system_stands_in_that_system_s_chapter(loaded: Loaded) -> None:
    """What clauses.tsv says of systems agrees with where the words stand."""
    contract = loaded.contract
    for clause in contract.clauses:
        where = {code for p in contract.walk() if clause.id in p.clauses for code in p.systems}
        if not clause.every_system:
            assert set(clause.systems) <= where, clause.id


def test_citations_read_as_people_say_them(loaded: Loaded) -> None:
    contract = loaded.contract
    assert contract.citation("1.7c") == "一、7 熔断服务"
    assert contract.citation("9.2.1") == "九（二）1"
    assert contract.citation("9.2.4a") == "九（二）4 一级问题"
    assert contract.citation("8.2") == "八、1. 医保接口"
    assert contract.citation("8.3.2") == "八、1.（其它相关接口）2"
    assert contract.citation("9.2.5") == "九（二）1."
    assert contract.citation("S3") == "考核表第 3 行"
    assert contract.citation("R5") == "考核表备注 5"
    assert contract.citation("title") == "标题"
