"""People over HTTP: who is meant, who holds a role, where somebody belongs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from xingwei.base.policy.registry import roles as known_roles
from xingwei.base.ui.api import permission
from xingwei.base.ui.views import SIGNED_IN

from . import access, queries
from .models import Department, User

router = Router(tags=["人员"])
VIEW = "accounts.person:view"
MOST = 50


class DepartmentOut(Schema):
    id: int
    code: str
    name: str
    kind: str
    location: str
    extension: str
    organisation: str = Field(alias="organisation.short_name")


class PersonOut(Schema):
    id: int
    username: str
    name: str
    short_name: str
    title: str
    phone: str
    mobile: str
    email: str
    organisation: str = Field(alias="organisation.short_name")
    department: DepartmentOut | None
    roles: list[str]

    @staticmethod
    def resolve_roles(user: User) -> list[str]:
        return sorted(a.role for a in user.assignments.all() if a.is_in_force())


class MeOut(Schema):
    """permissions: what this token may do, with the scope of each."""

    id: int
    name: str
    organisation: str
    roles: list[str]
    permissions: dict[str, str]


class Wanted(Schema):
    """q: name, pinyin, 工号, extension or mobile. role: a key such as it_staff."""

    q: str = Field("", max_length=40)
    role: str = Field("", max_length=40)
    department: int | None = Field(None, ge=1, le=2**62)
    limit: int = Field(20, ge=1, le=MOST)


@router.get("/me", response=MeOut, summary="这个令牌是谁的，能做什么")
@permission(SIGNED_IN)
def me(request: HttpRequest) -> dict[str, Any]:
    actor = request.actor  # type: ignore[attr-defined]
    return {
        "id": actor.id,
        "name": actor.name,
        "organisation": actor.organisation,
        "roles": sorted(actor.roles),
        "permissions": {h.permission: h.scope.name.lower() for h in access.held(actor)},
    }


@router.get("", response=list[PersonOut], summary="找人：按姓名、拼音、工号、分机、手机、角色、科室")
@permission(VIEW)
def people(request: HttpRequest, wanted: Query[Wanted]) -> list[User]:
    rows = User.visible.restrict(request.actor, VIEW).filter(pk__in=queries.in_force())  # type: ignore[attr-defined]
    if wanted.role:
        if wanted.role not in known_roles():
            raise HttpError(422, f"没有“{wanted.role}”这个角色")
        rows = rows.filter(pk__in=queries.people_with_role(wanted.role))
    if wanted.department:
        rows = rows.filter(department_id=wanted.department)
    if wanted.q.strip():
        rows = rows.filter(queries.matching(wanted.q))
    rows = rows.select_related("organisation", "department__organisation").prefetch_related("assignments")
    return list(rows.order_by("pinyin", "pk")[: wanted.limit])


@router.get("/{int:pk}", response=PersonOut, summary="一个人")
@permission(VIEW)
def person(request: HttpRequest, pk: int) -> User:
    rows = User.visible.restrict(request.actor, VIEW)  # type: ignore[attr-defined]
    rows = rows.select_related("organisation", "department__organisation").prefetch_related("assignments")
    found: User = get_object_or_404(rows, pk=pk)
    return found


@router.get("/departments", response=list[DepartmentOut], summary="全部科室")
@permission("accounts.organisation:view")
def departments(request: HttpRequest) -> list[Department]:
    return list(queries.departments())
