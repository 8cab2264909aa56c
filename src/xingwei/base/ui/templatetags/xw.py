"""Template tags of the visual language: {% load xw %}."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from xingwei.base.policy.registry import may as may_

from .. import words
from ..registry import registry

register = template.Library()

LEVELS = {
    1: ("alert-circle", "一级"),
    2: ("alert-triangle", "二级"),
    3: ("point", "三级"),
    0: ("minus", "不定级"),
}
STATES = {
    "ok": "circle-check",
    "warn": "alert-triangle",
    "late": "alert-circle",
    "pause": "player-pause",
    "unknown": "help-circle",
    "doing": "progress",
}
CLOCKS = {
    "ok": "clock",
    "soon": "clock-exclamation",
    "late": "alarm",
    "pause": "player-pause",
    "done": "circle-check",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html('<i class="ti ti-{}" aria-hidden="true"></i>', name)


@register.simple_tag
def level(number: int | None) -> SafeString:
    """一级 filled, 二级 tinted, 三级 outlined, 不定级 dashed."""
    n = number if number in LEVELS else 0
    glyph, word = LEVELS[n]
    return format_html('<span class="xw-level" data-level="{}"><i class="ti ti-{}"></i>{}</span>', n, glyph, word)


@register.simple_tag
def state(kind: str, word: str, glyph: str = "", bare: bool = False) -> SafeString:
    """A state: icon, word, colour last. kind: ok warn late pause unknown doing."""
    return format_html(
        '<span class="xw-state{}" data-state="{}"><i class="ti ti-{}" aria-hidden="true"></i>{}</span>',
        " bare" if bare else "",
        kind,
        glyph or STATES.get(kind, "point"),
        word,
    )


@register.simple_tag
def clock(kind: str, what_for: str, what_remains: str) -> SafeString:
    """A clock in a row: icon, what for, what remains. kind: ok soon late pause done."""
    return format_html(
        '<span class="xw-clock" data-state="{}"><i class="ti ti-{}" aria-hidden="true"></i>'
        '<span class="for">{}</span><span class="t">{}</span></span>',
        kind,
        CLOCKS.get(kind, "clock"),
        what_for,
        what_remains,
    )


@register.simple_tag
def avatar(name: str, side: str = "", small: bool = True) -> SafeString:
    """The first character of a name in a disc; "?" dashed for nobody."""
    kind = {"hospital": "hospital", "system": "bot"}.get(side, "") if name else "none"
    return format_html(
        '<span class="xw-avatar {}{}" aria-hidden="true">{}</span>',
        "sm " if small else "",
        kind,
        (name or "?")[:1],
    )


@register.simple_tag
def tag(word: str, glyph: str = "") -> SafeString:
    mark = format_html('<i class="ti ti-{}" aria-hidden="true"></i>', glyph) if glyph else SafeString("")
    return format_html('<span class="xw-tag">{}{}</span>', mark, word)


@register.filter
def moment(at: dt.datetime | None) -> SafeString | str:
    """10:12, 昨天 16:40, 03-16: short, with the full time as title."""
    if at is None:
        return "—"
    full = timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), full, words.moment(at, timezone.now())
    )


@register.filter
def duration(span: dt.timedelta | None) -> str:
    return "—" if span is None else words.duration(span)


@register.filter
def dash(value: Any) -> Any:
    """Never an empty cell: "—" where there is nothing."""
    return "—" if value in (None, "") else value


@register.filter
def get(mapping: dict[Any, Any], key: Any) -> Any:
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def may(context: template.Context, permission: str) -> bool:
    """{% may "desk.case:create" as can %}"""
    actor = context.get("actor")
    return bool(actor and actor.signed_in and may_(actor, permission))


@register.simple_tag(takes_context=True)
def panels(context: template.Context, place: str, obj: Any = None) -> SafeString:
    """What higher rooms put on this page at `place`."""
    request: HttpRequest = context["request"]
    actor = context.get("actor")
    html = []
    for panel in sorted((p for p in registry.panels if p.place == place), key=lambda p: p.order):
        if actor and may_(actor, panel.permission) and (inner := panel.context(request, obj)) is not None:
            html.append(render_to_string(panel.template, inner, request=request))
    return SafeString("".join(html))
