"""Signing in with a password: success, failure, lockout, what is due first, and what the journal keeps."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from xingwei.base.accounts.models import Organisation, Session, User
from xingwei.base.journal.models import Entry

from .conftest import PASSWORD, acts, sign_in, text

pytestmark = pytest.mark.django_db


def test_the_page_tells_a_stranger_nothing_of_the_systems(browser: Client, setting: Any) -> None:
    Organisation.objects.create(code="h", name="广元市中心医院", short_name="市中心医院", side="hospital")
    setting("accounts.duty_phone", "8120")
    answer = browser.get("/sign-in/")
    assert answer.status_code == 200
    assert "市中心医院信息系统运维服务" in text(answer)
    assert "急事直接打 8120" in text(answer)
    assert "no-store" in answer["Cache-Control"]
    assert "统一认证" not in text(answer)


def test_a_right_password_opens_and_leads_back(browser: Client, account: Any) -> None:
    user = account("it_staff")
    assert browser.get("/settings/")["Location"] == "/sign-in/?next=%2Fsettings%2F"
    answer = sign_in(browser, user, next="/people/me/")
    assert (answer.status_code, answer["Location"]) == (302, "/people/me/")
    assert user.name in text(browser.get("/people/me/"))
    entry = Entry.objects.get(act="accounts.sign_in.success")
    assert (entry.actor_id, entry.address, entry.after["agent"]) == (user.pk, "127.0.0.1", "Firefox 140")
    assert browser.get("/sign-in/")["Location"] == "/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_led_to_another_site(browser: Client, account: Any, elsewhere: str) -> None:
    assert sign_in(browser, account("it_staff"), next=elsewhere)["Location"] == "/"


def test_the_key_of_the_session_changes_with_the_sign_in(browser: Client, account: Any) -> None:
    browser.cookies["xingwei"] = "x" * 32
    sign_in(browser, account("it_staff"))
    assert browser.cookies["xingwei"].value != "x" * 32


@pytest.mark.parametrize("typed", ["{0}", " {0} ", "{1}"])
def test_a_number_is_the_same_in_any_case_and_width(browser: Client, account: Any, typed: str) -> None:
    user = account("it_staff")
    User.objects.filter(pk=user.pk).update(username="xx0217")
    name = typed.format("XX0217", "ｘｘ０２１７")
    assert browser.post("/sign-in/", {"username": name, "password": PASSWORD}).status_code == 302


def test_a_wrong_password_says_how_often_one_may_try_again(browser: Client, account: Any) -> None:
    user = account("it_staff")
    answer = sign_in(browser, user, "wrong")
    assert answer.status_code == 422
    assert "工号或密码不对，还可再试 4 次，之后锁定 15 分钟。" in text(answer)
    assert f'value="{user.username}"' in text(answer)
    assert "wrong" not in text(answer)
    sign_in(browser, user)
    assert acts() == ["sign_in.fail", "sign_in.success"]
    sign_in(Client(), user, "wrong")
    assert Entry.objects.order_by("-id")[0].summary == f"{user.name}登录失败：工号或密码不对（连续第 1 次）"


def test_an_unknown_number_is_answered_as_a_wrong_password_and_not_kept_whole(browser: Client, account: Any) -> None:
    answer = browser.post("/sign-in/", {"username": "MySecret-Password", "password": "x"})
    assert "工号或密码不对，还可再试 4 次" in text(answer)
    entry = Entry.objects.get(act="accounts.sign_in.fail")
    assert "secret" not in f"{entry.summary}{entry.target_label}{entry.after}".lower()


@pytest.mark.parametrize("form", [{}, {"username": "a"}, {"password": "a"}, {"username": "\x00", "password": "\x00"}])
def test_an_unfinished_form_is_refused_in_words(browser: Client, form: dict[str, str]) -> None:
    answer = browser.post("/sign-in/", form)
    assert answer.status_code == 422
    assert "工号" in text(answer)


def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(account: Any) -> None:
    user = account("it_staff")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for n in range(4):
            sign_in(Client(REMOTE_ADDR=f"10.0.0.{n}"), user, "wrong")
        until = timezone.localtime(timezone.now() + dt.timedelta(minutes=15))
        last = sign_in(Client(REMOTE_ADDR="10.0.0.9"), user, "wrong")
        assert f"账号已锁定，{until:%H:%M} 后可以再试" in text(last)
        assert acts() == ["sign_in.fail"] * 5 + ["sign_in.lockout"]
        clock.shift(dt.timedelta(minutes=14, seconds=50))
        locked = sign_in(Client(), user)
        assert "已锁定" in text(locked), "a try while locked does not open, even with the right password"
        clock.shift(dt.timedelta(seconds=20))
        assert sign_in(Client(), user).status_code == 302, "nor does it lengthen the lock"


def test_the_security_administrator_decides_when_to_lock(account: Any, setting: Any, browser: Client) -> None:
    setting("accounts.lockout.failures", 3)
    setting("accounts.lockout.minutes", 30)
    user = account("it_staff")
    assert "还可再试 2 次，之后锁定 30 分钟" in text(sign_in(browser, user, "wrong"))
    sign_in(browser, user, "wrong")
    assert "已锁定" in text(sign_in(browser, user, "wrong"))
    assert sign_in(Client(), account("it_staff")).status_code == 302, "another person is not locked"


def test_hammering_a_locked_account_does_not_fill_the_journal(account: Any, browser: Client) -> None:
    user = account("it_staff")
    for _ in range(5):
        sign_in(browser, user, "wrong")
    before = Entry.objects.count()
    for _ in range(20):
        sign_in(browser, user, "wrong")
    assert Entry.objects.count() == before
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=2)):
        sign_in(browser, user, "wrong")
        sign_in(browser, user, "wrong")
    assert Entry.objects.order_by("-id")[0].summary == f"{user.name}锁定期间仍在尝试登录"
    assert Entry.objects.count() == before + 1


def test_an_account_that_is_off_or_past_its_date_does_not_open(browser: Client, account: Any) -> None:
    user = account("it_staff")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert "账号已停用，不能登录" in text(sign_in(browser, user))
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    User.objects.filter(pk=user.pk).update(is_active=True, valid_until=yesterday)
    assert f"账号已于 {yesterday} 到期" in text(sign_in(browser, user))
    assert "工号或密码不对" in text(sign_in(browser, user, "wrong")), "only who knows the password is told"
    assert browser.get("/").status_code == 302


def test_a_session_ends_with_the_account(browser: Client, account: Any) -> None:
    user = account("it_staff")
    sign_in(browser, user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert browser.get("/")["Location"].startswith("/sign-in/")


def test_signing_out_ends_the_session_and_is_journalled(browser: Client, account: Any) -> None:
    sign_in(browser, account("it_staff"))
    key = browser.cookies["xingwei"].value
    assert browser.get("/sign-out/")["Location"] == "/", "a link alone signs nobody out"
    assert browser.post("/sign-out/")["Location"] == "/sign-in/"
    assert acts() == ["sign_in.success", "sign_in.leave"]
    assert not Session.objects.filter(pk=key).exists()
    again = Client()
    again.cookies["xingwei"] = key
    assert again.get("/").status_code == 302
    assert browser.post("/sign-out/").status_code == 302


def test_a_first_password_must_be_changed_before_anything_else(browser: Client, account: Any) -> None:
    user = account("it_staff")
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    sign_in(browser, user)
    for url in ("/", "/people/me/", "/search/"):
        assert browser.get(url)["Location"] == "/people/me/password/"
    assert browser.get("/", headers={"HX-Request": "true"}).status_code == 401
    page = browser.get("/people/me/password/")
    assert "这是初始密码，请先改成自己的" in text(page)
    bad = browser.post("/people/me/password/", {"old": PASSWORD, "new": "short", "again": "short"})
    assert bad.status_code == 422
    assert "至少 8 位" in text(bad)
    good = {"old": PASSWORD, "new": "Willow-2026", "again": "Willow-2026"}
    assert browser.post("/people/me/password/", good)["Location"] == "/"
    assert browser.get("/").status_code == 200


def test_a_password_past_its_days_must_be_changed(browser: Client, account: Any) -> None:
    user = account("it_staff")
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now() - dt.timedelta(days=89))
    sign_in(browser, user)
    assert browser.get("/").status_code == 200
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now() - dt.timedelta(days=90))
    other = Client()
    sign_in(other, user)
    assert other.get("/")["Location"] == "/people/me/password/"
    assert "密码已到有效期" in text(other.get("/people/me/password/"))
