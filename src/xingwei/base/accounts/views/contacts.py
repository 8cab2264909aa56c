"""服务团队通讯录 (9.1): who, in which role, by which number, when to reach them, in which order to ask."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from xingwei.base.policy.registry import roles
from xingwei.base.ui.export import export_response
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import Page

from .. import queries
from ..models import Organisation, RoleAssignment


def _spec(row: RoleAssignment, key: str) -> str:
    return str(roles().get(row.role, {}).get(key, ""))


class ContactsTable(Table):
    caption = "服务团队通讯录"
    columns = (
        Column("organisation", "单位", "user.organisation.name"),
        Column("role", "角色", "label"),
        Column("name", "姓名", "user.name", kind="title"),
        Column("title", "职务", "user.title"),
        Column("department", "科室", "user.department.name"),
        Column("phone", "电话", "user.phone"),
        Column("mobile", "手机", "user.mobile"),
        Column("email", "邮箱", "user.email"),
        Column("reach", "什么时候找得到", lambda a: _spec(a, "reach")),
        Column("step", "找的次序", lambda a: _spec(a, "step")),
    )


def contacts() -> QuerySet[RoleAssignment]:
    """Everybody on the sheet, one row a role."""
    listed = [r for r, spec in roles().items() if spec.get("contact")]
    rows = RoleAssignment.objects.in_force().filter(role__in=listed, user__in=queries.in_force())
    found: QuerySet[RoleAssignment] = rows.select_related("user__organisation", "user__department")
    return found.order_by("user__organisation__side", "user__organisation__code", "role", "user__username")


class Contacts(Page):
    permission = "accounts.contact:view"
    template_name = "accounts/contacts.html"
    title = "服务团队通讯录"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.GET.get("format") in {"csv", "xlsx"}:
            return export_response(request.GET["format"], self.title, ContactsTable, contacts())
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(contacts())
        order = {role: n for n, role in enumerate(dict.fromkeys([*_FIRST, *roles()]))}
        groups = []
        for side in (Organisation.Side.VENDOR, Organisation.Side.HOSPITAL, Organisation.Side.THIRD):
            found = [r for r in rows if r.user.organisation.side == side]
            found.sort(key=lambda r: (order[r.role], r.user.organisation.code, r.user.username))
            lines = [{"row": r, "reach": _spec(r, "reach"), "step": _spec(r, "step")} for r in found]
            if lines:
                groups.append({"label": side.label, "lines": lines})
        return super().get_context_data(**kwargs) | {
            "groups": groups,
            "export_urls": {"xlsx": "?format=xlsx", "csv": "?format=csv"},
        }


_FIRST = ("onsite_engineer", "service_manager", "vendor_support", "rnd", "consultant", "it_staff", "it_head")
