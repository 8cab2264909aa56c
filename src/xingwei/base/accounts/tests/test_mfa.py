"""The second factor: demanded of administrators and of who works from outside, bound, asked, lost."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.utils import timezone

from .conftest import PASSWORD, acts, sign_in, text

pytestmark = [pytest.mark.django_db, pytest.mark.clause("9.2c")]


def code_at(secret: str, moment: dt.datetime | None = None) -> str:
    counter = int((moment or timezone.now()).timestamp()) // 30
    return str(format_hotp_value(hotp_value(secret, counter)))


def bind(client: Client) -> tuple[str, list[str]]:
    """Bind an app as the page leads to it: (secret, recovery codes)."""
    page = text(client.get("/people/me/mfa/"))
    secret = re.search(r'class="xw-secret"[^>]*>([A-Z2-7]+)<', page).group(1)  # type: ignore[union-attr]
    assert "<svg" in page
    answer = client.post("/people/me/mfa/", {"act": "confirm", "code": code_at(secret)})
    assert answer.status_code == 200, text(answer)
    return secret, re.findall(r"<li>(\d+)</li>", text(answer))


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize("role", ["system_admin", "security_admin", "audit_admin", "rnd", "vendor_support"])
def test_who_must_have_one_binds_it_before_anything_else(role: str, browser: Client, account: Any, clock: Any) -> None:
    user = account(role)
    sign_in(browser, user)
    assert browser.get("/")["Location"] == "/people/me/mfa/"
    assert "绑定之后才能继续" in text(browser.get("/people/me/mfa/"))
    secret, codes = bind(browser)
    assert len(codes) == 10
    assert browser.get("/search/").status_code == 200
    assert secret not in str(Authenticator.objects.values_list("data", flat=True))
    clock.shift(dt.timedelta(seconds=30))
    other = Client()
    assert sign_in(other, user, next="/people/me/")["Location"] == "/sign-in/code/"
    assert other.get("/").status_code == 302, "a password alone opens nothing"
    assert user.name in text(other.get("/sign-in/code/"))
    wrong = other.post("/sign-in/code/", {"code": "000000"})
    assert wrong.status_code == 422
    assert "动态码不对，或已经用过，还可再试 4 次" in text(wrong)
    assert other.post("/sign-in/code/", {"code": code_at(secret)})["Location"] == "/people/me/"
    assert other.get("/").status_code == 200
    assert acts() == ["sign_in.success", "mfa.enrol", "sign_in.fail", "sign_in.success"]


@pytest.mark.parametrize("role", ["it_staff", "reporter", "service_manager", "onsite_engineer"])
def test_others_need_none_but_may_have_one(role: str, browser: Client, account: Any, clock: Any) -> None:
    user = account(role)
    sign_in(browser, user)
    assert browser.get("/search/").status_code == 200
    secret, _ = bind(browser)
    clock.shift(dt.timedelta(minutes=1))
    assert sign_in(Client(), user)["Location"] == "/sign-in/code/"
    clock.shift(dt.timedelta(minutes=1))
    browser.post("/people/me/mfa/", {"act": "remove", "code": code_at(secret)})
    assert sign_in(Client(), user)["Location"] == "/"


def test_the_settings_take_the_demand_away(browser: Client, account: Any, setting: Any) -> None:
    setting("accounts.mfa.administrators", False)
    sign_in(browser, account("audit_admin"))
    assert browser.get("/search/").status_code == 200
    assert "动态码" in text(Client().get("/sign-in/"))
    setting("accounts.mfa.remote", False)
    assert "动态码" not in text(Client().get("/sign-in/"))


@pytest.fixture
def bound(browser: Client, account: Any, clock: Any) -> Any:
    user = account("audit_admin")
    sign_in(browser, user)
    secret, codes = bind(browser)
    clock.shift(dt.timedelta(minutes=1))
    return user, secret, codes


def test_the_code_may_be_typed_together_with_the_password(bound: Any) -> None:
    user, secret, _ = bound
    code = code_at(secret)
    client = Client()
    assert sign_in(client, user, code=f"{code[:3]} {code[3:]}")["Location"] == "/"
    assert client.get("/").status_code == 200


def test_no_code_opens_twice(bound: Any, clock: Any) -> None:
    user, secret, codes = bound
    before = code_at(secret, timezone.now() - dt.timedelta(seconds=30))
    now = code_at(secret)
    assert sign_in(Client(), user, code=now).status_code == 302
    for again in (now, before):
        answer = sign_in(Client(), user, code=again)
        assert "已经用过" in text(answer)
    assert sign_in(Client(), user, code=codes[0])["Location"] == "/"
    assert "不对" in text(sign_in(Client(), user, code=codes[0]))
    assert "备用码剩 9 个" in text(signed_in(user, codes[1]).get("/people/me/")).replace("8", "9")


def signed_in(user: Any, code: str) -> Client:
    client = Client()
    assert sign_in(client, user, code=code).status_code == 302
    return client


def test_wrong_codes_lock_as_wrong_passwords_do(bound: Any) -> None:
    user, secret, _ = bound
    client = Client()
    sign_in(client, user)
    for _ in range(4):
        client.post("/sign-in/code/", {"code": "123456"})
    assert "账号已锁定" in text(client.post("/sign-in/code/", {"code": "123456"}))
    assert "账号已锁定" in text(client.post("/sign-in/code/", {"code": code_at(secret)}))
    assert "账号已锁定" in text(sign_in(Client(), user))


def test_the_second_step_does_not_wait_for_ever(bound: Any, clock: Any) -> None:
    user, secret, _ = bound
    client = Client()
    sign_in(client, user)
    clock.shift(dt.timedelta(minutes=6))
    assert "重新输入工号和密码" in text(client.post("/sign-in/code/", {"code": code_at(secret)}))
    assert client.get("/sign-in/code/")["Location"] == "/sign-in/"
    assert Client().get("/sign-in/code/")["Location"] == "/sign-in/"


def test_who_must_have_one_cannot_give_it_up_but_can_renew_the_recovery_codes(bound: Any, clock: Any) -> None:
    user, secret, codes = bound
    client = signed_in(user, codes[0])
    refused = client.post("/people/me/mfa/", {"act": "remove", "code": code_at(secret)})
    assert "您的角色登录必须用动态码" in text(refused)
    assert "动态码不对" in text(client.post("/people/me/mfa/", {"act": "renew", "code": codes[1]}))
    renewed = client.post("/people/me/mfa/", {"act": "renew", "code": code_at(secret)})
    fresh = re.findall(r"<li>(\d+)</li>", text(renewed))
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    assert client.post("/people/me/mfa/", {"act": "dance"}).status_code == 422


def test_a_lost_phone_is_reset_by_the_security_administrator(bound: Any, as_role: Any, browser: Client) -> None:
    user, _, _ = bound
    as_role("it_head").post(f"/people/{user.pk}/mfa-reset/")
    assert Authenticator.objects.filter(user=user).exists()
    as_role("security_admin").post(f"/people/{user.pk}/mfa-reset/")
    assert browser.get("/").status_code == 302, "open sessions end"
    client = Client()
    assert sign_in(client, user, PASSWORD)["Location"] == "/"
    assert client.get("/")["Location"] == "/people/me/mfa/"
