"""What higher rooms hand down to every page. They register in AppConfig.ready(); nobody imports upward.

nav        entries of the main navigation
banners    sentences above every page (provisional calendar, nobody on call)
topbar     the pill at the right of the top bar (who is on duty)
bell       unread notifications
landing    where people go instead of the home page, by role
home_stats the line of numbers under the home page's title
home_cards cards of the home page
search     providers of the search over everything ("/")
panels     pieces that a higher room puts on a lower room's page, by place name
served_by  where in the product a clause of the contract is served
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from xingwei.base.policy.engine import Actor


@dataclass(frozen=True, slots=True)
class Count:
    """A number beside a navigation entry; hot ones are red and have a title."""

    n: int | str
    hot: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """section: "", 服务, 运行, 数据 or 基础. icon: a Tabler icon name. aliases: further paths."""

    section: str
    order: int
    label: str
    icon: str
    url_name: str
    permission: str
    count: Callable[[Actor], Count | None] | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Banner:
    """state: warn, late or info."""

    state: str
    text: str
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class SearchHit:
    group: str
    title: str
    url: str
    detail: str = ""
    icon: str = "file"


@dataclass(frozen=True, slots=True)
class Stat:
    """One number of the line under the home page's title; it opens what it counts. state: "", warn or late."""

    label: str
    value: str
    url: str
    icon: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class HomeCard:
    """A card of the home page. template is rendered with c=context(request); None leaves it out.

    wide ones stand left. On the phone, where all stand in one column, order alone decides: what to do next comes
    first (10), then clocks (20), systems (30), duty (40), and figures (60 and on).
    """

    order: int
    permission: str
    template: str
    context: Callable[[HttpRequest], dict[str, Any] | None]
    wide: bool = False
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Panel:
    """A piece on another room's page. context(request, obj) returns None where there is nothing to show."""

    place: str
    order: int
    permission: str
    template: str
    context: Callable[[HttpRequest, Any], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Served:
    """Clause → page (url name) and command that serve it; clause as numbered in clauses.tsv."""

    clause: str
    label: str
    url_name: str = ""
    command: str = ""


@dataclass(slots=True)
class _Registry:
    nav: list[NavItem] = field(default_factory=list)
    banners: list[Callable[[Actor], Banner | None]] = field(default_factory=list)
    topbar: list[Callable[[HttpRequest], str]] = field(default_factory=list)
    bell: list[Callable[[Actor], int]] = field(default_factory=list)
    landing: list[Callable[[Actor], str | None]] = field(default_factory=list)
    home_stats: list[Callable[[Actor], Iterable[Stat]]] = field(default_factory=list)
    home_cards: list[HomeCard] = field(default_factory=list)
    search: list[Callable[[Actor, str], Iterable[SearchHit]]] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    served_by: list[Served] = field(default_factory=list)
    footer: list[Callable[[Actor], str]] = field(default_factory=list)


registry = _Registry()
SECTIONS = ("", "服务", "运行", "数据", "基础")
