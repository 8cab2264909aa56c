"""Where the room shows itself on other pages: navigation, search, home page, history panel, clauses served."""

from __future__ import annotations

from collections.abc import Iterable

from xingwei.base.notify import kinds
from xingwei.base.notify.kinds import Kind
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Count, NavItem, Panel, SearchHit, Served, registry

from . import cards, history, queries
from .models import User

_GROUP = "人员"


def register() -> None:
    """Called once, when the room is ready."""
    kinds.register(
        Kind("accounts.proposal", "管理员任命", "账号", "有任命待确认，或提出的任命有了结果"),
        Kind("accounts.expiring", "账号和令牌到期", "账号", "到期前两周提醒一次"),
    )
    registry.nav += [
        NavItem("基础", 20, "人员", "users", "accounts:people", "accounts.person:view"),
        NavItem("基础", 21, "单位与科室", "building", "accounts:organisations", "accounts.organisation:view"),
        NavItem("基础", 22, "通讯录", "address-book", "accounts:contacts", "accounts.contact:view"),
        NavItem("基础", 23, "权限", "shield-check", "accounts:policy", "accounts.policy:view"),
        NavItem(
            "基础", 24, "任命", "user-shield", "accounts:proposals", "accounts.role:view", count=_waiting_proposals
        ),
        NavItem("基础", 80, "审计", "history", "accounts:journal", "accounts.journal:view"),
    ]
    registry.home_cards += cards.CARDS
    registry.banners.append(cards.tampering)
    registry.search.append(find)
    registry.panels.append(Panel("history", 90, "accounts.history:view", "accounts/parts/history.html", history.panel))
    registry.served_by += [
        Served("2.3", "权限表：对象 × 动作 × 角色，写明依据", "accounts:policy"),
        Served("4.3b", "管理权与数据权分离：三员分立", "accounts:policy"),
        Served("4.3d", "账号分级，管理员任命双人复核", "accounts:proposals"),
        Served("9.1", "服务团队通讯录", "accounts:contacts"),
        Served("4.3b", "操作日志、登录记录可查，不可改", "accounts:journal", "xingwei journal verify"),
        Served("9.2c", "院外人员登录用动态码", "accounts:people"),
    ]


def _waiting_proposals(actor: Actor) -> Count | None:
    n = queries.open_proposals().count()
    return Count(n, hot=True, title="待第二人确认的任命") if n else None


def find(actor: Actor, q: str) -> Iterable[SearchHit]:
    """People for the search over everything, as far as the actor may see them."""
    if not may(actor, "accounts.person:view"):
        return
    rows = User.visible.restrict(actor, "accounts.person:view").filter(queries.matching(q), is_active=True)
    for user in rows.select_related("organisation", "department").order_by("pinyin", "pk")[:8]:
        where = user.department.name if user.department else user.organisation.short_name
        detail = " · ".join(x for x in (where, user.title, user.phone) if x)
        yield SearchHit(_GROUP, user.name, user.get_absolute_url(), detail, "user")
