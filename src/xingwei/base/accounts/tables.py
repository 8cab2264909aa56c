"""Columns and filters of the room's lists."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html

from xingwei.base.policy.engine import Actor
from xingwei.base.site.queries import value
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.templatetags.xw import moment, state

from . import lockout, queries
from .models import Organisation, RoleAssignment, User


def status(user: User) -> tuple[str, str, str]:
    """(kind, word, icon) of an account's state."""
    today = timezone.localdate()
    if not user.is_active:
        return "unknown", "停用", "ban"
    if user.valid_until is not None and user.valid_until < today:
        return "late", "已到期", "calendar-off"
    if user.valid_until is not None and user.valid_until <= today + dt.timedelta(days=14):
        return "warn", f"{user.valid_until:%m-%d} 到期", "calendar-due"
    return "ok", "正常", "circle-check"


def _roles(user: User) -> str:
    return "、".join(a.label for a in user.assignments.all() if a.is_in_force())


def _by_role(values: list[str], actor: Actor) -> Q:
    held = RoleAssignment.objects.in_force().filter(role__in=values)
    return Q(pk__in=held.values("user_id"))


def _by_state(values: list[str], actor: Actor) -> Q:
    today = timezone.localdate()
    since = timezone.now() - dt.timedelta(days=value("accounts.dormant_days"))
    wanted = Q(pk__in=[])
    if "active" in values:
        wanted |= Q(is_active=True) & (Q(valid_until=None) | Q(valid_until__gte=today))
    if "disabled" in values:
        wanted |= Q(is_active=False)
    if "expired" in values:
        wanted |= Q(is_active=True, valid_until__lt=today)
    if "expiring" in values:
        wanted |= Q(is_active=True, valid_until__range=(today, today + dt.timedelta(days=14)))
    if "locked" in values:
        wanted |= Q(username__in=list(lockout.locked()))
    if "dormant" in values:
        unused = Q(last_login__lt=since) | Q(last_login=None, created_at__lt=since)
        wanted |= Q(is_active=True) & unused
    return wanted


STATES = (
    ("active", "正常"),
    ("expiring", "两周内到期"),
    ("expired", "已到期"),
    ("disabled", "停用"),
    ("locked", "登录锁定"),
    ("dormant", "长期未登录"),
)


def _organisations(actor: Actor) -> list[tuple[str, str]]:
    return [(str(o.pk), o.short_name) for o in Organisation.objects.all()]


def _departments(actor: Actor) -> list[tuple[str, str]]:
    return [(str(d.pk), d.name) for d in queries.departments()]


PEOPLE_FILTERS = (
    Filter("q", "姓名、拼音、工号、电话", lambda values, actor: queries.matching(values[0]), "search", "text"),
    Filter("organisation", "单位", "organisation_id", "building", choices=_organisations),
    Filter("department", "科室", "department_id", "sitemap", choices=_departments),
    Filter("role", "角色", _by_role, "user-shield", choices=lambda actor: queries.role_choices()),
    Filter("state", "状态", _by_state, "activity", choices=STATES),
    Filter("grade", "账号级别", "grade", "stairs", choices=User.Grade.choices),
    Filter("source", "登录方式", "source", "login", choices=User.Source.choices),
)


class PeopleTable(Table):
    caption = "人员与账号"
    columns = (
        Column(
            "name",
            "姓名",
            "name",
            lambda u: format_html("{}{}", u.name, format_html(" <span class=xw-3>{}</span>", u.short_name)),
            kind="title",
        ),
        Column(
            "username", "工号", "username", lambda u: format_html("<span translate=no>{}</span>", u.username), kind="id"
        ),
        Column("organisation", "单位", "organisation.short_name"),
        Column("department", "科室", "department.name"),
        Column("title", "职务", drop=True),
        Column("phone", "电话", label_on_phone=True),
        Column("mobile", "手机", drop=True),
        Column("roles", "角色", _roles),
        Column("grade", "级别", "get_grade_display", drop=True),
        Column("state", "状态", lambda u: status(u)[1], lambda u: state(*status(u), bare=True)),
        Column(
            "last_login",
            "最近登录",
            "last_login",
            lambda u: moment(u.last_login) if u.last_login else "从未",
            drop=True,
        ),
    )
