"""Who may do what and why (2.3): the page agrees with the engine that decides."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from xingwei.base.accounts.models import RoleAssignment, RoleClass
from xingwei.base.policy.registry import policy, roles

from .conftest import text

pytestmark = [pytest.mark.django_db, pytest.mark.clause("2.3", "4.3b", "4.3d")]


def test_the_exported_matrix_is_every_grant(as_role: Any) -> None:
    answer = as_role("it_head").get("/people/policy/", {"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    grants = sum(len(a.grants) for r in policy().resources.values() for a in r.actions.values())
    assert len(rows) == grants
    granted = next(r for r in rows if r["权限"] == "accounts.role:grant")
    assert (granted["角色"], granted["范围"], granted["类别"]) == ("安全管理员", "全院", "管理权")
    assert granted["依据"].startswith("4.3b")


def test_the_matrix_shows_every_role_and_resource(as_role: Any) -> None:
    page = text(as_role("auditor").get("/people/policy/"))
    for spec in roles().values():
        assert spec["label"] in page
    for resource in policy().resources.values():
        assert resource.label in page


@pytest.mark.parametrize("role", sorted(roles()))
def test_one_roles_rights_are_shown_with_their_reason(as_role: Any, role: str) -> None:
    page = text(as_role("it_staff").get("/people/policy/", {"view": "role", "role": role}))
    assert f"{roles()[role]['label']}能做什么" in page


def test_one_persons_rights_are_traced_to_roles_and_clauses(as_role: Any, person: Any) -> None:
    nurse = person("head_nurse", "reporter", name="顾燕", department="心内科")
    page = text(as_role("it_staff").get("/people/policy/", {"q": "guyan"}))
    assert "顾燕" in page
    assert "护士长" in page
    assert "9.1 服务团队" in page
    assert "顾燕" in text(as_role("it_staff").get("/people/policy/", {"person": nurse.pk}))
    person("reporter", name="顾言")
    assert "是哪一位" in text(as_role("it_staff").get("/people/policy/", {"q": "guyan"}))
    for odd in ({"person": "x"}, {"person": "9" * 30}, {"q": "天文台"}, {"view": "x"}, {"view": "role", "role": "x"}):
        assert as_role("it_staff").get("/people/policy/", odd).status_code == 200


def test_the_three_administrations_are_shown_apart(as_role: Any, person: Any) -> None:
    person("system_admin", name="程序")
    page = text(as_role("auditor").get("/people/policy/", {"view": "duties"}))
    assert "程序" in page
    assert "没有账号兼任两种管理员" in page
    assert "空缺" in page
    grades = text(as_role("auditor").get("/people/policy/", {"view": "grades"}))
    assert "普通运维账号" in grades


def test_an_account_that_breaks_the_separation_is_named(as_role: Any, person: Any) -> None:
    user = person("system_admin")
    RoleClass.objects.update(admin="")  # as if somebody had taken the database's guard away
    RoleAssignment.objects.create(user=user, role="audit_admin")
    page = text(as_role("auditor").get("/people/policy/", {"view": "duties"}))
    assert f"{user.username}：三员分立" in page
    assert "没有账号兼任" not in page
