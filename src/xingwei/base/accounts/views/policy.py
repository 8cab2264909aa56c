"""Who may do what and why (2.3, 4.3): the matrix, one role, one person, the three administrations, the grades."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest

from xingwei.base.journal.services import record
from xingwei.base.policy.registry import data_roles, policy, roles
from xingwei.base.ui.export import export_response
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import Page

from .. import access, queries
from ..engine.duties import ADMINISTRATIONS, conflict
from ..models import RoleAssignment, User
from ..models.roles import role_label
from ..services.roles import administration_of

VIEWS = (
    ("matrix", "权限表"),
    ("role", "一个角色"),
    ("person", "一个人"),
    ("duties", "三员分立"),
    ("grades", "账号级别"),
)


class GrantsTable(Table):
    caption = "权限表"
    columns = (
        Column("resource", "对象", "resource.label"),
        Column("action", "动作", "action.label"),
        Column("permission", "权限", "permission"),
        Column("role", "角色", lambda g: role_label(g.role)),
        Column("scope", "范围", lambda g: g.scope.label),
        Column("kind", "类别", lambda g: "管理权" if g.resource.admin else "数据权" if g.resource.data else "业务权"),
        Column("why", "依据", "action.why"),
    )


class Policy(Page):
    permission = "accounts.policy:view"
    template_name = "accounts/policy.html"
    title = "谁能做什么"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.GET.get("format") in {"csv", "xlsx"}:
            with transaction.atomic():
                record(self.actor, "accounts.policy.export", None, "导出权限表")
            return export_response(request.GET["format"], "权限表", GrantsTable, _grants())
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = self.request.GET
        shown = query.get("view") if query.get("view") in dict(VIEWS) else "matrix"
        if query.get("person") or query.get("q"):
            shown = "person"
        context = super().get_context_data(**kwargs) | {
            "views": VIEWS,
            "shown": shown,
            "export_urls": {"xlsx": "?format=xlsx", "csv": "?format=csv"},
            "all_roles": [(r, spec["label"]) for r, spec in roles().items()],
        }
        more: dict[str, Any] = getattr(self, f"_{shown}")()
        return context | more

    def _matrix(self) -> dict[str, Any]:
        sides = [(label, [r for r in roles() if roles()[r]["side"] == side]) for side, label in access.SIDES.items()]
        order = [r for _, found in sides for r in found]
        rows = [{"row": r, "cells": [r.scopes[role] for role in order]} for r in access.matrix()]
        return {"sides": sides, "order": [(r, role_label(r)) for r in order], "rows": rows}

    def _role(self) -> dict[str, Any]:
        chosen = self.request.GET.get("role", "")
        chosen = chosen if chosen in roles() else "service_manager"
        rows = [(r, r.scopes[chosen]) for r in access.matrix() if r.scopes[chosen] is not None]
        holders = queries.people_with_role(chosen)[:100]
        return {"role": chosen, "spec": roles()[chosen], "rows": rows, "holders": holders}

    def _person(self) -> dict[str, Any]:
        typed, chosen = self.request.GET.get("q", ""), self.request.GET.get("person", "")
        people = User.visible.restrict(self.actor, "accounts.person:view")
        person = people.select_related("organisation").filter(pk=int(chosen)).first() if _is_id(chosen) else None
        hits = [] if person or not typed else list(people.filter(queries.matching(typed)).order_by("pinyin")[:20])
        if len(hits) == 1:
            person, hits = hits[0], []
        return {
            "typed": typed,
            "hits": hits,
            "person": person,
            "assignments": person.assignments.order_by("role") if person else [],
            "held": access.held(queries.actor_of(person)) if person else [],
        }

    def _duties(self) -> dict[str, Any]:
        carrying = data_roles()
        columns = []
        for key, label in ADMINISTRATIONS.items():
            own = [r for r in roles() if administration_of(r) == key]
            rows = [r for r in access.matrix() if r.resource.admin and any(r.scopes[x] is not None for x in own)]
            changing = [r for r in rows if r.action.key != "view"]
            columns.append(
                {
                    "label": label,
                    "roles": [role_label(r) for r in own],
                    "holders": queries.people_with_role(*own),
                    "acts": [f"{r.action.label}{r.resource.label}" for r in changing],
                    "data": [role_label(r) for r in own if r in carrying],
                }
            )
        return {
            "columns": columns,
            "broken": _broken(),
            "data_resources": [r for r in policy().resources.values() if r.data],
            "carrying": [role_label(r) for r in roles() if r in carrying],
            "proposals": queries.open_proposals().count(),
        }

    def _grades(self) -> dict[str, Any]:
        counts = dict(User.objects.filter(is_active=True).values_list("grade").annotate(n=Count("pk")))
        meanings = {
            User.Grade.SUPER: "三员账号。随任命而来、随收回而去；两种管理权不在一个账号，都没有数据权；任命要第二个人确认。",
            User.Grade.OPERATIONS: "信息科和运维服务商的日常账号。核心数据库操作须双人复核，不能自己复核自己。",
            User.Grade.STANDARD: "其他人。只看、只办角色给的那一部分。",
        }
        grades = [
            {"grade": g, "count": counts.get(g.value, 0), "text": meanings[g]}
            for g in (User.Grade.SUPER, User.Grade.OPERATIONS, User.Grade.STANDARD)
        ]
        people = User.visible.restrict(self.actor, "accounts.person:view").select_related("organisation")
        supers = people.filter(grade=User.Grade.SUPER, is_active=True).prefetch_related("assignments")
        return {"grades": grades, "supers": supers.order_by("username")}


def _grants() -> Iterator[Any]:
    """Every grant as a row."""
    for row in access.matrix():
        for role, scope in row.scopes.items():
            if scope is not None:
                yield access.GrantRow(row.resource, row.action, role, scope)


def _broken() -> list[str]:
    """Accounts that hold what may not meet, in words; empty as long as the database's guard stands."""
    administration = {r: administration_of(r) for r in roles()}
    held: dict[str, list[str]] = {}
    for username, role in RoleAssignment.objects.values_list("user__username", "role").order_by("user__username"):
        held.setdefault(username, []).append(role)
    labels = {r: role_label(r) for r in roles()}
    found = ((u, conflict(rs, administration, data_roles(), labels)) for u, rs in held.items())
    return [f"{username}：{said}" for username, said in found if said]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
