from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from xingwei.base.accounts.queries import actor_of
from xingwei.base.journal.models import Entry
from xingwei.base.policy.registry import Denied
from xingwei.service.rota import queries, services
from xingwei.service.rota.models import Shift, Swap

from .conftest import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]


@pytest.fixture
def night(manager: Any, time_machine: Any) -> Shift:
    """Chen's night of the 18th, published; today is the 16th."""
    time_machine.move_to(at("03-16 07:00"), tick=False)
    services.publish_week(manager, dt.date(2026, 3, 16))
    row: Shift = Shift.objects.live().get(starts_at=at("03-18 17:30"))
    return row


def on_call(moment: str) -> list[str]:
    return [d.person.name for d in queries.on_duty(at(moment)).on_call]


def test_a_swap_changes_hands_when_the_manager_approves(
    night: Shift, team: dict[str, Any], manager: Any, told: list[tuple[str, str]]
) -> None:
    swap = services.propose_swap(actor_of(team["chen"]), night, team["meng"], reason="家里有事")
    assert told[-1] == ("孟工", "换班请求：陈工 想把“夜间听班 03-18 17:30–次日 08:00”换给 孟工")
    services.accept_swap(actor_of(team["meng"]), swap)
    assert ("周经理", "换班待批准：陈工 与 孟工，夜间听班 03-18 17:30–次日 08:00") in told
    assert on_call("03-18 20:00") == ["陈工"]  # not yet
    services.approve_swap(manager, swap)
    assert on_call("03-18 20:00") == ["孟工"]
    acts = Entry.objects.filter(act__startswith="rota.swap").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["rota.swap.propose", "rota.swap.accept", "rota.swap.approve"]


def test_two_shifts_are_exchanged(night: Shift, team: dict[str, Any], manager: Any) -> None:
    services.publish_week(manager, dt.date(2026, 3, 23))
    other = Shift.objects.live().get(starts_at=at("03-24 17:30"))
    swap = services.propose_swap(actor_of(team["chen"]), night, team["meng"], in_return=other)
    services.accept_swap(actor_of(team["meng"]), swap)
    services.approve_swap(manager, swap)
    assert (on_call("03-18 20:00"), on_call("03-24 20:00")) == (["孟工"], ["陈工"])


def test_only_the_right_person_at_the_right_time(night: Shift, team: dict[str, Any], manager: Any) -> None:
    with pytest.raises(Denied):
        services.propose_swap(actor_of(team["wang"]), night, team["meng"])
    swap = services.propose_swap(actor_of(team["chen"]), night, team["meng"])
    with pytest.raises(services.Refused, match="已经提出换班"):
        services.propose_swap(actor_of(team["chen"]), night, team["liu"])
    with pytest.raises(services.Refused, match="只有当事人"):
        services.accept_swap(actor_of(team["wang"]), swap)
    with pytest.raises(services.Refused, match="待对方同意"):
        services.approve_swap(manager, swap)
    with pytest.raises(Denied):
        services.approve_swap(actor_of(team["meng"]), swap)
    services.decline_swap(actor_of(team["meng"]), swap, note="那天有事")
    with pytest.raises(services.Refused, match="对方不同意"):
        services.withdraw_swap(actor_of(team["chen"]), swap)
    again = services.propose_swap(actor_of(team["chen"]), night, team["liu"])
    services.accept_swap(actor_of(team["liu"]), again)
    services.reject_swap(manager, again, note="刘工次日驻场")
    assert on_call("03-18 20:00") == ["陈工"]


def test_a_swap_that_no_longer_fits_is_refused(
    night: Shift, team: dict[str, Any], manager: Any, time_machine: Any
) -> None:
    swap = services.propose_swap(actor_of(team["chen"]), night, team["meng"])
    services.accept_swap(actor_of(team["meng"]), swap)
    services.override(manager, night, team["wang"])
    with pytest.raises(services.Refused, match="刚刚被别人改过"):
        services.approve_swap(manager, swap)
    late = services.propose_swap(
        actor_of(team["chen"]), Shift.objects.live().get(starts_at=at("03-19 17:30")), team["meng"]
    )
    services.accept_swap(actor_of(team["meng"]), late)
    time_machine.move_to(at("03-19 18:00"), tick=False)
    with pytest.raises(services.Refused, match="已经开始"):
        services.approve_swap(manager, late)
    assert Swap.objects.get(pk=late.pk).state == "accepted"


def test_the_whole_way_over_the_pages(night: Shift, team: dict[str, Any], as_role: Callable[..., Any]) -> None:
    chen, meng, zhou = (as_role(user=team[name]) for name in ("chen", "meng", "zhou"))
    page = chen.get(f"/rota/shifts/{night.pk}/").content.decode()
    assert "请对方换班" in page
    assert "安排替班" not in page  # that is the manager's
    bad = chen.post(f"/rota/shifts/{night.pk}/", {"swap": "1", "reason": "家里有事"})
    assert bad.status_code == 422
    assert "家里有事" in bad.content.decode()
    done = chen.post(f"/rota/shifts/{night.pk}/", {"swap": "1", "other": team["meng"].pk, "reason": "家里有事"})
    assert done.status_code == 302
    swap = Swap.objects.get()
    assert "陈工：夜间听班 03-18 17:30–次日 08:00" in meng.get("/rota/mine/").content.decode()
    meng.post(f"/rota/swaps/{swap.pk}/accept/")
    assert "换班待批准" in zhou.get("/rota/mine/").content.decode()
    zhou.post(f"/rota/swaps/{swap.pk}/approve/")
    assert "代 陈工" in zhou.get("/rota/?week=2026-03-18").content.decode()
