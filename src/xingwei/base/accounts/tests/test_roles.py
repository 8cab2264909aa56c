"""Roles, the three administrations, the second person's word; and that the database holds the same."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.accounts.engine.duties import conflict
from xingwei.base.accounts.models import RoleAssignment, RoleClass, RoleProposal, User
from xingwei.base.accounts.services import AccountRefused, confirm_proposal, propose_role, roles
from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import Denied, data_roles
from xingwei.base.policy.registry import roles as known

from .conftest import PASSWORD, sign_in, text

ADMINISTRATION = {r: s.get("admin", "") for r, s in known().items()}
db = pytest.mark.django_db


@db
def test_a_role_is_granted_with_dates_and_taken_away(as_role: Any, account: Any) -> None:
    security, user = as_role("security_admin"), account("reporter")
    browser = Client()
    sign_in(browser, user)
    until = timezone.localdate() + dt.timedelta(days=30)
    security.post(f"/people/{user.pk}/roles/grant/", {"role": "it_staff", "valid_until": until})
    assert browser.get("/people/").status_code == 200
    page = text(security.get(f"/people/{user.pk}/"))
    assert f"至 {until}" in page
    security.post(f"/people/{user.pk}/roles/it_staff/revoke/")
    assert browser.get("/people/").status_code == 302, "what the role opened is closed at once"
    assert [e.act for e in Entry.objects.filter(act__startswith="accounts.role").order_by("id")] == [
        "accounts.role.grant",
        "accounts.role.revoke",
    ]


@db
@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"role": ""}, "必填"),
        ({"role": "king"}, "king"),
        ({"role": "rnd"}, "rnd"),
        ({"role": "it_staff", "valid_until": "2020-01-01"}, "结束日期已经过了"),
        ({"role": "it_staff", "valid_from": "2099-02-01", "valid_until": "2099-01-01"}, "结束日期早于开始日期"),
        ({"role": "audit_admin"}, "请写明任命理由"),
    ],
)
def test_a_wrong_grant_is_refused_in_words(as_role: Any, person: Any, form: dict[str, str], said: str) -> None:
    user = person("reporter")
    answer = as_role("security_admin").post(f"/people/{user.pk}/roles/grant/", form)
    assert answer.status_code == 422
    assert said in text(answer)
    assert list(user.assignments.values_list("role", flat=True)) == ["reporter"]


@db
@pytest.mark.clause("4.3b", "4.3d")
def test_an_administrator_is_proposed_by_one_and_confirmed_by_another(as_role: Any, account: Any) -> None:
    security, committee = as_role("security_admin"), as_role("security_committee")
    user = account()
    form = {"role": "audit_admin", "reason": "院办〔2026〕12 号"}
    security.post(f"/people/{user.pk}/roles/grant/", form)
    proposal = RoleProposal.objects.get()
    assert not user.assignments.exists()
    assert Notification.objects.filter(person=committee.user).exists()
    assert "已经提出，正等待确认" in text(security.post(f"/people/{user.pk}/roles/grant/", form))
    assert security.post(f"/people/proposals/{proposal.pk}/confirm/").status_code == 403
    assert "等您确认的管理员任命" in text(committee.get("/"))
    assert "院办〔2026〕12 号" in text(committee.get("/people/proposals/"))
    browser = Client()
    sign_in(browser, user)
    committee.post(f"/people/proposals/{proposal.pk}/confirm/")
    user.refresh_from_db()
    assert user.grade == User.Grade.SUPER
    assert [a.role for a in user.assignments.all()] == ["audit_admin"]
    assert browser.get("/").status_code == 302, "the new right begins with a new sign-in"
    assert sign_in(browser, user, PASSWORD).status_code == 302
    assert browser.get("/")["Location"] == "/people/me/mfa/"
    assert "已确认，不用再办" in text(committee.post(f"/people/proposals/{proposal.pk}/confirm/", follow=True))
    security.post(f"/people/{user.pk}/roles/audit_admin/revoke/")
    user.refresh_from_db()
    assert user.grade == User.Grade.STANDARD


@db
def test_a_refused_proposal_grants_nothing(as_role: Any, person: Any) -> None:
    security, auditor = as_role("security_admin"), as_role("audit_admin")
    user = person()
    security.post(f"/people/{user.pk}/roles/grant/", {"role": "system_admin", "reason": "轮岗"})
    proposal = RoleProposal.objects.get()
    auditor.post(f"/people/proposals/{proposal.pk}/refuse/", {"reason": "未经院办"})
    assert not user.assignments.exists()
    assert Entry.objects.get(act="accounts.role.refuse").summary.endswith("：未经院办")
    assert Notification.objects.filter(person=security.user, title__contains="没有同意").exists()


@db
def test_nobody_confirms_the_own_proposal_or_appointment(person: Any, actor: Any) -> None:
    from xingwei.base.accounts.queries import actor_of

    both = person("security_admin")
    candidate = person("security_committee")
    proposal = propose_role(actor("security_admin"), candidate, "audit_admin", reason="x")
    with pytest.raises(AccountRefused, match="不能确认对自己的任命"):
        confirm_proposal(actor_of(candidate), proposal)
    RoleAssignment.objects.create(user=both, role="security_committee")
    other = propose_role(actor_of(both), person(), "system_admin", reason="x")
    with pytest.raises(AccountRefused, match="提出人不能自己确认"):
        confirm_proposal(actor_of(both), other)
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleProposal.objects.filter(pk=other.pk).update(decided_by=both)


@db
@pytest.mark.clause("4.3b")
def test_no_account_holds_two_administrations_or_one_with_data_right(
    as_role: Any, person: Any, actor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = actor("security_admin")
    with pytest.raises(AccountRefused, match=r"三员分立：.*不能是同一个账号"):
        propose_role(admin, person("system_admin"), "audit_admin", reason="x")
    monkeypatch.setattr(roles, "data_roles", lambda: frozenset({"medical_affairs"}))
    with pytest.raises(AccountRefused, match="系统管理员不能有数据权（医务科）"):
        roles.grant_role(admin, person("system_admin"), "medical_affairs")


@db
@pytest.mark.clause("4.3b")
def test_the_database_refuses_it_too_whoever_writes(person: Any) -> None:
    user = person("system_admin")
    with pytest.raises(IntegrityError, match="三员分立"), transaction.atomic():
        RoleAssignment.objects.create(user=user, role="audit_admin")
    RoleClass.objects.filter(role="medical_affairs").update(data=True)
    with pytest.raises(IntegrityError, match="管理员账号不能有数据权"), transaction.atomic():
        RoleAssignment.objects.create(user=user, role="medical_affairs")
    doctor = person("medical_affairs", "reporter")
    with pytest.raises(IntegrityError, match="三员分立"), transaction.atomic():
        RoleAssignment.objects.filter(user=doctor, role="reporter").update(role="audit_admin")


@db
def test_the_last_security_administrator_stays(person: Any) -> None:
    from xingwei.base.accounts.queries import actor_of

    one, two = person("security_admin"), person("security_admin")
    roles.revoke_role(actor_of(one), two, "security_admin")
    with pytest.raises(AccountRefused, match="不能收回自己"):
        roles.revoke_role(actor_of(one), one, "security_admin")
    gone = Actor(id=two.pk, name=two.name, side="hospital", roles=frozenset({"security_admin"}))
    with pytest.raises(AccountRefused, match="最后一位安全管理员"):
        roles.revoke_role(gone, one, "security_admin")


@db
@pytest.mark.parametrize("role", sorted(r for r in known() if r != "security_admin"))
def test_nobody_but_the_security_administrator_grants(role: str, person: Any, actor: Any) -> None:
    with pytest.raises(Denied):
        roles.grant_role(actor(role), person(), "reporter")


@given(st.sets(st.sampled_from(sorted(known())), max_size=6), st.sets(st.sampled_from(sorted(known())), max_size=6))
def test_duties_conflict_exactly_where_two_administrations_or_data_right_meet(held: set[str], data: set[str]) -> None:
    said = conflict(held, ADMINISTRATION, data, {})
    administrations = {ADMINISTRATION[r] for r in held} - {""}
    assert bool(said) == (len(administrations) > 1 or bool(administrations and held & data))


def test_no_grants_file_gives_an_administration_data_right() -> None:
    assert not {r for r, a in ADMINISTRATION.items() if a} & data_roles()
