"""API tokens, and the people that the API finds for them."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from xingwei.base.accounts.models import ApiToken, User
from xingwei.base.accounts.queries import actor_of
from xingwei.base.accounts.services.tokens import create_token, grantable

from .conftest import text

pytestmark = pytest.mark.django_db
PEOPLE = "/api/v1/people"


def call(token: str, url: str = PEOPLE, **query: Any) -> Any:
    return Client(headers={"Authorization": f"Bearer {token}"}).get(url, query)


@pytest.fixture
def token(person: Any) -> str:
    owner = person("it_staff", "onsite_engineer", name="唐亮")
    return create_token(actor_of(owner), "监控", ["accounts.person:view"], 30)[1]


def test_a_token_is_made_on_the_page_and_shown_once(as_role: Any) -> None:
    client = as_role("it_staff")
    page = client.post("/people/tokens/new/", {"name": "监控平台", "days": "30", "scopes": ["accounts.person:view"]})
    shown = html.unescape(re.search(r">(xw_[^<]+)<", text(page)).group(1))  # type: ignore[union-attr]
    token = ApiToken.objects.get()
    assert shown not in str(vars(token))
    assert shown not in text(client.get("/people/tokens/"))
    assert "监控平台" in text(client.get("/people/tokens/"))
    assert call(shown).status_code == 200
    client.post(f"/people/tokens/{token.pk}/revoke/")
    assert call(shown).status_code == 401


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "days": "30", "scopes": ["accounts.person:view"]}, "必填"),
        ({"name": "x", "days": "30"}, "必填"),
        ({"name": "x", "days": "366", "scopes": ["accounts.person:view"]}, "365"),
        ({"name": "x", "days": "３０天", "scopes": ["accounts.person:view"]}, "整数"),
        ({"name": "x", "days": "30", "scopes": ["accounts.person:change"]}, "accounts.person:change"),
    ],
)
def test_a_wrong_token_is_refused_in_words(as_role: Any, form: Any, said: str) -> None:
    answer = as_role("it_staff").post("/people/tokens/new/", form)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not ApiToken.objects.exists()


@pytest.mark.clause("4.3d")
@pytest.mark.parametrize("role", ["security_admin", "system_admin", "audit_admin"])
def test_no_token_carries_an_administration(role: str, actor: Any) -> None:
    handed = {permission for permission, _, _ in grantable(actor(role))}
    assert handed
    for permission in handed:
        assert permission.endswith(":view") or not permission.startswith(("accounts.person", "accounts.role", "site."))


@pytest.mark.parametrize("bad", ["", "x", "xw_", "xw_" + "a" * 43, "\x00", "中文"])
def test_what_is_no_token_opens_nothing(token: str, bad: str) -> None:
    assert Client(headers={"Authorization": f"Bearer {bad}"}).get(PEOPLE).status_code == 401
    assert Client(headers={"Authorization": token}).get(PEOPLE).status_code == 401
    assert Client().get(PEOPLE).status_code == 401


def test_a_signed_in_browser_is_nobody_to_the_api(as_role: Any) -> None:
    assert as_role("it_head").get(PEOPLE).status_code == 401


def test_a_token_ends_with_its_date_its_owner_and_its_owners_roles(token: str) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(days=31)):
        assert call(token).status_code == 401
    assert call(token).status_code == 200
    User.objects.get(name="唐亮").assignments.all().delete()
    assert call(token).status_code == 403
    User.objects.update(is_active=False)
    assert call(token).status_code == 401


def test_a_token_may_no_more_than_it_was_given(token: str) -> None:
    me = call(token, f"{PEOPLE}/me").json()
    assert me["permissions"] == {"accounts.person:view": "all"}
    answer = call(token, f"{PEOPLE}/departments")
    assert (answer.status_code, answer.json()["detail"]) == (403, "这个令牌不能查看单位与科室")


def test_the_last_use_is_kept_but_not_written_at_every_call(token: str) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        call(token)
        first = ApiToken.objects.get().last_used_at
        clock.shift(dt.timedelta(seconds=30))
        call(token)
        assert ApiToken.objects.get().last_used_at == first
        clock.shift(dt.timedelta(seconds=31))
        call(token)
        assert ApiToken.objects.get().last_used_at == timezone.now()
    assert ApiToken.objects.get().last_address == "127.0.0.1"


def test_people_are_found_by_what_is_known_of_them(token: str, person: Any) -> None:
    nurse = person("reporter", name="杨帆", department="心内科")
    assert [p["name"] for p in call(token, q="yangf").json()] == ["杨帆"]
    assert [p["name"] for p in call(token, role="it_staff").json()] == ["唐亮"]
    found = call(token, department=nurse.department_id).json()[0]
    assert (found["department"]["name"], found["roles"]) == ("心内科", ["reporter"])
    assert call(token, f"{PEOPLE}/{nurse.pk}").json()["username"] == nurse.username
    assert call(token, f"{PEOPLE}/999999").status_code == 404
    assert call(token, role="king").status_code == 422
    assert call(token, limit=51).status_code == 422
    assert call(token, q="x" * 41).status_code == 422


def test_many_people_cost_few_queries(token: str, person: Any, django_assert_max_num_queries: Any) -> None:
    for n in range(10):
        person("it_staff", "it_head", name=f"人{n}", department="信息科")
    call(token)
    with django_assert_max_num_queries(5):
        assert len(call(token, limit=50).json()) > 10


def test_anothers_token_is_revoked_by_the_security_administrator_only(token: str, as_role: Any) -> None:
    pk = ApiToken.objects.get().pk
    as_role("it_head").post(f"/people/tokens/{pk}/revoke/")
    assert call(token).status_code == 200
    as_role("security_admin").post(f"/people/tokens/{pk}/revoke/")
    assert call(token).status_code == 401
