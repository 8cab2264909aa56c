"""The ledger from outside: who sees what, filters in the address, jumping, paging, export, bulk acts, saved views."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from xingwei.base.journal.models import Entry
from xingwei.service.desk.models import Case, SavedView
from xingwei.service.desk.queries import ledger, windows
from xingwei.service.desk.services import moves
from xingwei.service.desk.views import ledger_query

URL = "/desk/"


def numbers(response: Any) -> list[str]:
    return [row.number for _, rows in response.context["groups"] for row in rows]


@pytest.fixture
def three(house: SimpleNamespace, incident: Callable[..., Case]) -> list[Case]:
    """A window's fault, a ward's fault, a ward's requirement."""
    ward: dict[str, Any] = {"department": house.ward, "reporter": house.nurse, "system": house.systems["CIS"]}
    return [
        incident(),
        incident(title="医嘱执行单打印错位", description="格子错位，床号压在药名上", severity=3, **ward),
        incident(kind="requirement", title="病区药品申领按床号排序", description="想按床号排序", severity=0, **ward),
    ]


@pytest.mark.clause("1.6")
def test_each_person_sees_the_ledger_that_is_theirs(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    seen = {
        name: set(numbers(as_role(user=getattr(house, name)).get(URL)))
        for name in ("zhou", "tang", "auditor", "sun", "li", "nurse", "centre")
    }
    every = {c.number for c in three}
    assert seen["zhou"] == seen["tang"] == seen["auditor"] == every
    assert seen["sun"] == {three[1].number, three[2].number}, "a head nurse sees her department"
    assert seen["li"] == {three[0].number}, "a reporter sees his own"
    assert seen["nurse"] == {three[1].number, three[2].number}
    assert seen["centre"] == set(), "a third party sees what it was asked about, and was not asked"


def test_the_address_holds_the_filter(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    client = as_role(user=house.zhou)
    assert numbers(client.get(URL, {"system": "CIS"})) == [three[1].number, three[2].number]
    assert numbers(client.get(URL, {"system": "CIS", "kind": "incident"})) == [three[1].number]
    assert numbers(client.get(URL, {"severity": ["2", "3"]})) == [three[0].number, three[1].number]
    assert numbers(client.get(URL, {"department": house.ward.pk, "view": "unanswered"})) == [three[2].number]
    assert numbers(client.get(URL, {"assignee": "none"})) == [c.number for c in three]
    assert numbers(client.get(URL, {"from": "2026-03-18", "to": "2026-03-18", "channel": "phone"})) == [
        c.number for c in three
    ]
    assert numbers(client.get(URL, {"from": "2026-03-19"})) == []


def test_values_that_mean_nothing_are_ignored(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    odd = {
        "system": "NOPE", "kind": "没有", "severity": "一", "department": "x", "assignee": "9'--", "from": "去年",
        "to": "2026-13-45", "view": "?", "sort": "drop", "after": "!!", "late": "9",
    }  # fmt: skip
    assert len(numbers(as_role(user=house.zhou).get(URL, odd))) == 3


def test_words_find_what_stands_in_title_words_or_solution(
    house: SimpleNamespace, three: list[Case], as_role: Any
) -> None:
    client = as_role(user=house.zhou)
    assert numbers(client.get(URL, {"q": "床号"})) == [three[2].number, three[1].number], "newest first"
    assert numbers(client.get(URL, {"q": "超时 转圈"})) == [three[0].number]
    assert numbers(client.get(URL, {"q": "床号 医保"})) == []
    assert numbers(client.get(URL, {"q": "𠮷😀"})) == []


@pytest.mark.parametrize("typed", ["2603-002", "２６０３-００２", " 2603-002 ", "002"])
def test_a_number_jumps_to_its_case(typed: str, house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    response = as_role(user=house.zhou).get(URL, {"q": typed})
    assert response.status_code == 302
    assert response["Location"] == three[1].get_absolute_url()


def test_a_number_that_is_not_ones_own_does_not_jump(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    assert as_role(user=house.li).get(URL, {"q": three[1].number}).status_code == 200


def test_rows_stand_under_when_they_are_due(
    house: SimpleNamespace, three: list[Case], clock: Any, as_role: Any
) -> None:
    clock.shift(31 * 60)
    groups = as_role(user=house.zhou).get(URL).context["groups"]
    assert [label for label, _ in groups] == ["已超时", "以后到点"]
    assert [len(rows) for _, rows in groups] == [2, 1]


def test_pages_follow_one_another_without_gap_or_repeat(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("xingwei.service.desk.views.ledger.PAGE", 2)
    made = [incident(title=f"第 {n} 件").number for n in range(5)]
    client = as_role(user=house.zhou)
    first = client.get(URL)
    second = client.get(URL + first.context["next_url"])
    third = client.get(URL + second.context["next_url"])
    assert numbers(first) + numbers(second) + numbers(third) == made
    assert third.context["next_url"] == ""
    assert numbers(client.get(URL + third.context["previous_url"])) == numbers(second)


@pytest.mark.parametrize("query", [{}, {"q": "医保"}, {"system": "YB", "kind": "incident"}, {"sort": "updated"}])
def test_the_page_asks_the_database_seven_times_whatever_the_rows(
    query: dict[str, str], house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, queries: Any
) -> None:
    """Options of the filters, the page of rows, all counts, saved views; for words and several filters the ids before
    the rows. What every page asks stands apart."""
    client = as_role(user=house.zhou)
    everywhere = queries(lambda: client.get("/search/"))
    for n in range(12):
        incident(title=f"医保结算第 {n} 次失败", assignee=house.wang if n % 2 else None)
    assert queries(lambda: client.get(URL, query)) - everywhere <= 7
    assert everywhere <= 17, "layout, navigation and banners of all rooms"


@pytest.mark.parametrize("cap", [1, 1_000])
def test_filters_together_leave_what_each_of_them_leaves(
    cap: int, house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they leave few cases (then their ids are known) or more than are counted; in every order."""
    monkeypatch.setattr(windows, "WINDOW", 2)
    monkeypatch.setattr(ledger_query, "CAP", cap)
    made = [
        incident(system=house.systems["YB" if n % 2 else "CIS"], severity=n % 3 + 1, assignee=house.wang if n % 4 else None)
        for n in range(12)
    ]  # fmt: skip
    client = as_role(user=house.zhou)
    for system, severity, assignee in product(("YB", "CIS"), ("1", "3"), ("none", str(house.wang.pk))):
        wanted = {
            c.number for n, c in enumerate(made)
            if (system == "YB") == bool(n % 2) and severity == str(n % 3 + 1) and (assignee == "none") == (not n % 4)
        }  # fmt: skip
        asked = {"view": "all", "system": system, "severity": severity, "assignee": assignee, "late": "0"}
        for sort in ("new", "due", "updated"):
            page = client.get(URL, {**asked, "sort": sort})
            assert set(numbers(page)) == wanted, (asked, sort)
            if cap > len(wanted):
                assert page.context["total"] == str(len(wanted))


def test_what_is_due_first_is_the_same_looked_for_near_or_everywhere(
    house: SimpleNamespace, incident: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [incident(severity=n % 3 + 1, assignee=house.wang if n % 2 else None) for n in range(8)]
    rows = Case.objects.filter(assignee=house.wang)
    expected = list(ledger.by_clock(rows))
    assert len(expected) == len(made) // 2
    for near in (1, 3, 100):
        monkeypatch.setattr(ledger, "_NEAR", near)
        assert ledger.first_due(rows, 3) == expected[:3]
        assert ledger.first_due(rows, 9) == expected


@pytest.mark.clause("1.6")
def test_export_holds_the_filtered_rows_and_is_recorded(
    house: SimpleNamespace, three: list[Case], as_role: Any
) -> None:
    client = as_role(user=house.zhou)
    csv = b"".join(client.get(URL, {"system": "CIS", "format": "csv"}).streaming_content).decode("utf-8-sig")
    assert csv.splitlines()[0].startswith("编号,类别,级别,标题")
    assert len(csv.splitlines()) == 3
    sheet = b"".join(client.get(URL, {"format": "xlsx", "q": "床号"}).streaming_content)
    assert len(CalamineWorkbook.from_filelike(BytesIO(sheet)).get_sheet_by_index(0).to_python()) == 3
    written = [e.after for e in Entry.objects.filter(act="desk.ledger.export").order_by("pk")]
    assert [w["kind"] for w in written] == ["csv", "xlsx"]
    assert "床号" not in str(written), "words that were typed may name a patient"


def test_who_may_not_export_gets_the_page(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    response = as_role(user=house.sun).get(URL, {"format": "csv"})
    assert response["Content-Type"].startswith("text/html")
    assert not Entry.objects.filter(act="desk.ledger.export").exists()


def post_bulk(client: Any, cases: list[Case], **values: Any) -> str:
    data = {"case": [c.pk for c in cases], "next": URL, **values}
    response = client.post(reverse("desk:bulk"), data, follow=True)
    assert response.redirect_chain
    return str(next(iter(response.context["messages"])))


def test_bulk_acts_do_what_they_say(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    client = as_role(user=house.zhou)
    assert post_bulk(client, three, act="assign", assignee=house.liu.pk) == "3 件已转派给刘工"
    assert set(Case.objects.values_list("assignee", flat=True)) == {house.liu.pk}
    said = post_bulk(client, three, act="grade", severity="2")
    assert said.startswith("2 件已定为二级；1 件没有办：需求不定级"), said
    assert post_bulk(client, three[:1], act="tag", tag="医保 收费") == "1 件已加标签 医保、收费"
    assert post_bulk(client, three[:2], act="merge") == f"已并入 {three[0].number}，共 2 件"
    three[1].refresh_from_db()
    assert three[1].merged_into == three[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"act": "assign", "assignee": ""}, "请选择转派给谁。"),
        ({"act": "assign", "assignee": "99999"}, "请选择转派给谁。"),
        ({"act": "grade", "severity": "9"}, "请选择级别。"),
        ({"act": "tag", "tag": "很" * 21}, "请写标签，每个最长 20 字。"),
        ({"act": "drop"}, "没有这个批量操作。"),
    ],
)
def test_bulk_acts_refuse_in_words(
    values: dict[str, str], said: str, house: SimpleNamespace, three: list[Case], as_role: Any
) -> None:
    assert post_bulk(as_role(user=house.zhou), three, **values) == said


def test_bulk_reaches_only_what_one_sees(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    assert as_role(user=house.sun).post(reverse("desk:bulk"), {"case": three[0].pk, "act": "merge"}).status_code == 403
    assert post_bulk(as_role(user=house.zhou), [], act="merge") == "请先选中要处理的问题。"


def test_a_view_is_kept_shared_and_dropped(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    zhou, wang, tang = (as_role(user=u) for u in (house.zhou, house.wang, house.tang))
    kept = {"name": "医保的", "query": "system=YB&after=xyz", "shared": "1"}
    response = zhou.post(reverse("desk:save-view"), kept)
    assert response["Location"] == "/desk/?system=YB"
    view = SavedView.objects.get()
    assert "医保的" in wang.get(URL).content.decode(), "colleagues see a shared view"
    assert "医保的" not in tang.get(URL).content.decode(), "the other side does not"
    wang.post(reverse("desk:drop-view", args=[view.pk]))
    assert SavedView.objects.exists(), "one drops only one's own"
    zhou.post(reverse("desk:drop-view", args=[view.pk]))
    assert not SavedView.objects.exists()


def test_the_navigation_counts_open_cases_and_burns_when_late(
    house: SimpleNamespace, three: list[Case], clock: Any, as_role: Any
) -> None:
    def count() -> Any:
        nav = as_role(user=house.wang).get(URL).context["nav"]
        return next(e["count"] for s in nav for e in s["entries"] if e["item"].label == "台账")

    assert (count().n, count().hot) == ("3", False)
    clock.shift(31 * 60)
    assert (count().hot, count().title) == (True, "2 件已超时")
    for case in three[:2]:
        moves.move(house.wang_, case, "respond")
    assert count().hot is False


def test_search_everywhere_finds_cases(house: SimpleNamespace, three: list[Case], as_role: Any) -> None:
    client = as_role(user=house.zhou)
    assert three[0].get_absolute_url() in client.get("/search/", {"q": "中心处理超时"}).content.decode()
    assert three[1].get_absolute_url() in client.get("/search/", {"q": three[1].number}).content.decode()
    assert three[0].get_absolute_url() not in as_role(user=house.nurse).get("/search/", {"q": "医保"}).content.decode()
