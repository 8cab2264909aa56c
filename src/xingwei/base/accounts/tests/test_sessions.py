"""How long a sign-in lasts, how many there may be, and what the sign-in page says of its end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from xingwei.base.accounts.models import Session
from xingwei.base.journal.models import Entry

from .conftest import PASSWORD, sign_in, text

pytestmark = pytest.mark.django_db


def travelled(client: Client, *steps: int, url: str = "/search/", headers: Any = None) -> list[int]:
    """The answers to a request after each of the steps, in minutes."""
    out = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for minutes in steps:
            clock.shift(dt.timedelta(minutes=minutes))
            out.append(client.get(url, headers=headers or {}).status_code)
    return out


@pytest.mark.parametrize(
    ("role", "steps", "answers"),
    [
        ("it_staff", [29, 29, 29], [200, 200, 200]),
        ("it_staff", [30], [302]),
        ("it_staff", [29, 31], [200, 302]),
        ("audit_admin", [9, 9], [200, 200]),
        ("audit_admin", [10], [302]),
    ],
)
def test_who_does_nothing_is_signed_out(
    browser: Client, account: Any, setting: Any, role: str, steps: list[int], answers: list[int]
) -> None:
    setting("accounts.mfa.administrators", False)
    sign_in(browser, account(role))
    assert travelled(browser, *steps) == answers


def test_a_page_that_polls_by_itself_keeps_nobody_signed_in(browser: Client, account: Any) -> None:
    sign_in(browser, account("it_staff"))
    assert travelled(browser, 10, 10, 9, 2, headers={"X-Background": "1"}) == [200, 200, 200, 302]


def test_nobody_stays_longer_than_a_shift(browser: Client, account: Any) -> None:
    sign_in(browser, account("it_staff"))
    assert travelled(browser, *[20] * 36) == [200] * 35 + [302]


def test_the_sign_in_page_says_why_and_leads_back(browser: Client, account: Any) -> None:
    user = account("it_staff")
    sign_in(browser, user)
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        page = browser.get("/people/me/", follow=True)
        assert "上次登录已结束：太久没有操作" in text(page)
        assert 'name="next" value="/people/me/"' in text(page)
        assert sign_in(browser, user, next="/people/me/")["Location"] == "/people/me/"
        assert "上次登录" not in text(browser.get("/people/me/"))
    assert not Session.objects.exclude(ended="").exists(), "the old row goes with the new sign-in"


def test_a_fragment_or_an_api_call_is_told_that_nothing_is_lost(browser: Client, account: Any) -> None:
    sign_in(browser, account("it_staff"))
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        answer = browser.post("/people/me/password/", {}, headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "填写的内容还在" in text(answer)


def test_the_oldest_of_too_many_sign_ins_ends(account: Any, setting: Any) -> None:
    setting("accounts.session.concurrent", 2)
    user = account("it_staff")
    clients = [Client() for _ in range(3)]
    for client in clients:
        sign_in(client, user)
    assert [c.get("/search/").status_code for c in clients] == [302, 200, 200]
    assert "在别处登录，超过同时登录数" in text(clients[0].get("/sign-in/"))
    assert "另有 1 处登录因超过上限退出" in Entry.objects.order_by("-id")[0].summary


def test_one_ends_ones_other_sign_in(account: Any) -> None:
    user = account("it_staff")
    here, there = Client(), Client()
    sign_in(here, user)
    sign_in(there, user)
    page = text(here.get("/people/me/"))
    key = there.cookies["xingwei"].value
    assert f"/people/sessions/{key}/end/" in page
    here.post(f"/people/sessions/{key}/end/")
    assert there.get("/").status_code == 302
    assert "本人在别处退出了它" in text(there.get("/sign-in/"))
    assert here.get("/").status_code == 200


def test_nobody_ends_anothers_sign_in_but_the_security_administrator(account: Any, as_role: Any) -> None:
    victim = Client()
    sign_in(victim, account("it_staff"))
    key = victim.cookies["xingwei"].value
    as_role("it_head").post(f"/people/sessions/{key}/end/")
    assert victim.get("/").status_code == 200
    as_role("security_admin").post(f"/people/sessions/{key}/end/")
    assert victim.get("/").status_code == 302
    assert "安全管理员让它退出" in text(victim.get("/sign-in/"))


def test_a_changed_password_ends_the_sign_ins_elsewhere(account: Any) -> None:
    user = account("it_staff")
    here, there = Client(), Client()
    sign_in(here, user)
    sign_in(there, user)
    here.post("/people/me/password/", {"old": PASSWORD, "new": "Willow-2026", "again": "Willow-2026"})
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302


def test_an_ended_sessions_key_opens_nothing_and_is_not_used_again(browser: Client, account: Any) -> None:
    user = account("it_staff")
    sign_in(browser, user)
    key = browser.cookies["xingwei"].value
    Session.objects.filter(pk=key).update(ended=Session.Ended.REVOKED)
    assert browser.get("/").status_code == 302
    sign_in(browser, user)
    assert browser.cookies["xingwei"].value != key


def test_knowing_who_asks_costs_three_queries(browser: Client, account: Any) -> None:
    sign_in(browser, account("it_staff"))
    browser.get("/search/")
    with CaptureQueriesContext(connection) as context:
        assert browser.get("/search/").status_code == 200
    asked = [q["sql"] for q in context if "accounts_" in q["sql"]]
    assert len(asked) == 3, asked  # session, person, roles


def test_what_a_stranger_keeps_goes_into_a_session_of_its_own(browser: Client, account: Any) -> None:
    """The second step begins in a browser whose last session has ended: its row stays closed, one new one is made."""
    user = account("it_staff")
    sign_in(browser, user)
    old = browser.cookies["xingwei"].value
    Session.objects.filter(pk=old).update(ended=Session.Ended.IDLE)
    Authenticator.objects.create(user=user, type="totp", data={"secret": get_adapter().encrypt("A" * 32)})
    assert sign_in(browser, user)["Location"] == "/sign-in/code/"
    assert Session.objects.filter(user=None).count() == 1
    assert not Session.objects.filter(user=user, ended="").exists()
    assert browser.cookies["xingwei"].value != old
