"""The search of the ledger against reading every case: the same hits, in the same order, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from xingwei.base.ui.grams import holds, terms
from xingwei.service.desk.models import Case
from xingwei.service.desk.queries import ledger, windows
from xingwei.service.desk.services import acts
from xingwei.service.desk.services.moves import move
from xingwei.service.desk.services.text import index_words, searchable

SAID = (
    "医保无法收费，返回中心处理超时", "医嘱保存后看不到", "收费处打印不出发票", "保医医保费收", "头孢曲松皮试检索不到",
    "打印医保清单错位", "挂号窗口打不开", "收费慢，医生等着保存",
)  # fmt: skip


@pytest.fixture
def cases(db: None, monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    """Sixty cases, and windows so narrow that every page crosses several."""
    monkeypatch.setattr(windows, "WINDOW", 3)
    made = [
        Case(number=f"2603-{n:03d}", kind="incident", state="new", category="new", title=f"{SAID[n * n % 8]}{n}",
             description=SAID[n % 5], channel="phone")
        for n in range(60)
    ]  # fmt: skip
    Case.objects.bulk_create(made)
    for row in made:
        index_words(row)
    return made


def pages(query: str, size: int) -> Iterator[list[str]]:
    after = ""
    while True:
        page = ledger.search_page(Case.objects.all(), query, after=after, size=size)
        yield [c.number for c in page.rows]
        if not page.next:
            return
        after = page.next


@pytest.mark.parametrize(
    "query",
    [
        "医保",
        "收费",
        "打印",
        "医保无法",
        "头孢曲松",
        "打",
        "医保 打印",
        "保医",
        "没有的词",
        "2603-007",
        "、",
        "100%",
        "_",
    ],
)
def test_it_finds_what_reading_every_case_finds(cases: list[Case], query: str) -> None:
    expected = [c.number for c in reversed(cases) if terms(query) and holds(searchable(c), query)]
    for size in (1, 4, 50):
        assert [n for page in pages(query, size) for n in page] == expected


def test_the_way_back_shows_the_pages_that_were_seen(cases: list[Case]) -> None:
    rows = Case.objects.all()
    first = ledger.search_page(rows, "医保", size=4)
    second = ledger.search_page(rows, "医保", after=first.next or "", size=4)
    third = ledger.search_page(rows, "医保", after=second.next or "", size=4)
    assert first.previous is None
    again = ledger.search_page(rows, "医保", before=third.previous or "", size=4)
    assert [c.number for c in again.rows] == [c.number for c in second.rows]
    start = ledger.search_page(rows, "医保", before=again.previous or "", size=4)
    assert [c.number for c in start.rows] == [c.number for c in first.rows]
    assert start.previous is None
    assert start.next == first.next


def test_filters_hold_in_the_search(cases: list[Case]) -> None:
    Case.objects.filter(number__in=["2603-003", "2603-040"]).update(kind="consultation")
    page = ledger.search_page(Case.objects.filter(kind="consultation"), cases[3].title[:4])
    assert "2603-003" in [c.number for c in page.rows]
    assert {c.kind for c in page.rows} == {"consultation"}


def test_pairs_that_meet_elsewhere_are_no_word(cases: list[Case]) -> None:
    """Texts that hold the pairs 医保 and 保费, but not 医保费; only the oldest case holds the word."""
    Case.objects.update(description="医保、保费")
    Case.objects.filter(number="2603-000").update(description="医保费")
    for row in Case.objects.all():
        index_words(row)
    assert list(pages("医保费", 2)) == [["2603-000"]]


def test_width_and_case_of_letters_do_not_matter(cases: list[Case]) -> None:
    Case.objects.filter(number="2603-005").update(description="ＰＡＣＳ 打不开")
    index_words(Case.objects.get(number="2603-005"))
    assert [list(pages(word, 5)) for word in ("pacs", "Pacs", "ＰＡＣＳ")] == [[["2603-005"]]] * 3


def test_a_cursor_that_is_none_gives_the_first_page(cases: list[Case]) -> None:
    first = ledger.search_page(Case.objects.all(), "医保", size=4)
    assert ledger.search_page(Case.objects.all(), "医保", after="x", size=4).rows == first.rows


@pytest.mark.clause("1.6")
def test_what_is_written_later_is_found(incident: Callable[..., Case], house: SimpleNamespace, clock: Any) -> None:
    """The diagnosis of the hospital, the cause and the solution are words of the case as well."""
    row = incident(severity=3)

    def found(word: str) -> bool:
        return bool(ledger.search_page(ledger.visible(house.zhou_), word).rows)

    assert found("中心处理超时")
    assert not found("光模块")
    row = move(house.wang_, row, "respond")
    clock.shift(60)
    move(house.wang_, row, "resolve", {"cause": "专线光模块老化", "solution": "更换光模块", "party": "carrier"})
    assert found("光模块")


def found(client: Any, **query: Any) -> list[str]:
    page = client.get("/desk/", {"view": "all", **query})
    return [row.number for _, rows in page.context["groups"] for row in rows]


def test_words_and_filters_together_find_what_both_allow(
    incident: Callable[..., Case], house: SimpleNamespace, as_role: Any
) -> None:
    """The filters are in the index of words as well; they must mean the same there."""
    insured = incident().number
    ward = incident(system=house.systems["CIS"], department=house.ward, reporter=house.nurse).number
    question = incident(kind="consultation", severity=0, system=None, department=None, reporter=None).number
    client = as_role(user=house.zhou)
    assert found(client, q="转圈") == [question, ward, insured]
    assert found(client, q="转圈", system="YB") == [insured]
    assert found(client, q="转圈", system=["YB", "CIS"]) == [ward, insured]
    assert found(client, q="转圈", kind="consultation") == [question]
    assert found(client, q="转圈", department=str(house.ward.pk)) == [ward]
    assert found(client, q="转圈", kind="incident", system="CIS", department=str(house.ward.pk)) == [ward]
    assert found(client, q="转圈", kind="nonsense", system="nonsense") == [question, ward, insured]


def test_whoever_takes_part_later_finds_the_case(
    incident: Callable[..., Case], house: SimpleNamespace, as_role: Any
) -> None:
    row = incident()
    third, head = as_role(user=house.centre), as_role(user=house.sun)
    assert found(third, q="转圈") == found(head, q="转圈") == []
    acts.ask_third_party(house.zhou_, row, house.centre, "请查结算服务")
    assert found(third, q="转圈") == [row.number]
    row.refresh_from_db()
    acts.edit(house.zhou_, row, {"department": house.ward}, version=row.version)
    assert found(head, q="转圈") == [row.number]
