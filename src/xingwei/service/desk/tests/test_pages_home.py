"""The home page of each role: what is wrong, what is late, what is next."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from xingwei.base.policy.registry import roles
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import intake, moves, papers


def steps(client: Any) -> list[tuple[str, str]]:
    """(verb, title) of 下一步, in order."""
    page = client.get("/")
    for cards in (page.context["side_cards"], page.context["wide_cards"]):
        for card in cards:
            if card["template"].endswith("next.html"):
                return [(s.verb, s.title) for s in card["context"]["steps"]]
    return []


@pytest.mark.django_db
@pytest.mark.parametrize("role", sorted(set(roles()) - {"reporter"}))
def test_every_role_has_a_home_that_says_something(role: str, as_role: Any) -> None:
    page = as_role(role).get("/")
    assert page.status_code == 200
    assert page.context["wide_cards"] or page.context["side_cards"] or "您可以做的事" in page.content.decode()


def test_what_is_wrong_stands_on_top(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case = incident()
    page = as_role(user=house.zhou).get("/").content.decode()
    assert page.index("正在发生的故障") < page.index("下一步")
    assert case.title in page
    moves.move(house.wang_, case, "respond")
    moves.move(house.wang_, case, "restore")
    assert "正在发生的故障" not in as_role(user=house.zhou).get("/").content.decode()


def test_the_line_of_numbers_opens_what_it_counts(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, clock: Any
) -> None:
    incident()
    client = as_role(user=house.zhou)
    assert [(s.label, s.value) for s in client.get("/").context["stats"]] == [("未办结", "1"), ("1 小时内到点", "1")]
    clock.shift(31 * 60)
    client = as_role(user=house.zhou)
    stats = client.get("/").context["stats"]
    assert [(s.label, s.value, s.state) for s in stats] == [("未办结", "1", ""), ("已超时", "1", "late")]
    assert client.get(stats[1].url).status_code == 200


def test_each_role_is_told_its_own_next_step(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    fault = incident()
    wish = incident(kind="requirement", severity=0, title="按床号排序")
    first = incident(title="打印机不出纸", severity=3, it_first=True)
    assert dict(steps(as_role(user=house.zhou)))["指派"] == fault.title
    assert ("开始评估", wish.title) in steps(as_role(user=house.zhou))
    assert steps(as_role(user=house.wang)) == [("响应", fault.title)]
    assert steps(as_role(user=house.tang)) == [("移交运维服务商", first.title)]
    assert steps(as_role(user=house.zhao)) == []
    moves.move(house.zhou_, wish, "assess")
    moves.move(house.zhou_, wish, "accept", {"answer": "可以做", "planned": "5.3"})
    assert steps(as_role(user=house.zhao)) == [("填研发进展", wish.title)]


def test_one_touch_assigns_the_one_who_is_free(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident()
    incident(title="王工手上的", assignee=house.wang)
    client = as_role(user=house.zhou)
    card = next(c for c in client.get("/").context["side_cards"] if c["template"].endswith("next.html"))
    step = next(s for s in card["context"]["steps"] if s.verb == "指派")
    assert step.button == "指派刘工"
    assert client.post(step.act_url, dict(step.post)).status_code == 302
    case.refresh_from_db()
    assert case.assignee == house.liu


def test_papers_and_missed_calls_are_next_steps_too(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident()
    papers.issue_feedback(house.zhou_, case, found="a", conclusion="b", plan="c")
    intake.log_call(house.wang_, "8260", missed=True)
    assert ("签收", case.feedback.get().number) in steps(as_role(user=house.he))
    assert ("回电", "8260") in steps(as_role(user=house.wang))


def test_heads_see_their_department(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    incident(title="病区的", department=house.ward, reporter=house.nurse)
    incident(title="窗口的")
    page = as_role(user=house.sun).get("/").content.decode()
    assert "病区的" in page
    assert "窗口的" not in page


def test_systems_claim_no_health_that_nobody_measured(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    incident()
    page = as_role(user=house.zhou).get("/")
    card = next(c for c in page.context["wide_cards"] if c["template"].endswith("systems.html"))
    systems = card["context"]["systems"]
    assert (systems[0]["name"], systems[0]["open"], systems[0]["worst"]) == ("医保接口", 1, 2)
    assert "正常" not in page.content.decode()


def test_home_costs_the_same_for_many_cases(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, queries: Any
) -> None:
    client = as_role(user=house.zhou)
    for n in range(3):
        incident(title=f"第 {n} 件", severity=3, assignee=house.wang if n % 2 else None)
    few = queries(lambda: client.get("/"))
    for n in range(20):
        incident(title=f"又第 {n} 件", severity=3, assignee=house.wang if n % 2 else None)
    assert queries(lambda: client.get("/")) <= few + 4, "a cache may run out between; twenty rows may not cost twenty"
