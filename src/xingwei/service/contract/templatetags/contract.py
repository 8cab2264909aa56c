"""Template tags of the contract's pages: {% load contract %}."""

from __future__ import annotations

import re
from decimal import Decimal

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from ..engine.due import Standing
from ..engine.facts import number, yuan
from ..engine.model import Contract
from ..wording import days_left, due_state

register = template.Library()
register.filter("yuan", lambda value: yuan(value) if value is not None else "—")
register.filter("days_left", days_left)


@register.filter
def points(value: Decimal) -> str:
    """97, 89.5, 91.67"""
    return number(value.quantize(Decimal("0.01")))


@register.simple_tag
def short(codes: tuple[str, ...], contract: Contract) -> str:
    """Systems by their short names: 一张纸、病历"""
    return "、".join(s.short for s in contract.systems if s.code in codes)


@register.simple_tag
def cite(contract: Contract, at: str) -> str:
    """九（二）4 一级问题"""
    return contract.citation(at)


@register.simple_tag(takes_context=True)
def standing(context: template.Context, due: Standing) -> SafeString:
    """How a due time stands on the page's `today`: icon and word."""
    return _state(*due_state(due, context["today"]))


@register.simple_tag
def mark(shown: tuple[str, str, str]) -> SafeString:
    """A state given as mark, icon and word."""
    return _state(*shown)


@register.simple_tag
def marked(text: str, q: str = "") -> SafeString:
    """The text with every place of q marked, lines kept."""
    if not q:
        return SafeString(escape(text).replace("\n", "<br>"))
    found = re.split(f"({re.escape(q)})", text, flags=re.IGNORECASE)
    html = "".join(f"<mark>{escape(piece)}</mark>" if i % 2 else escape(piece) for i, piece in enumerate(found))
    return SafeString(html.replace("\n", "<br>"))


@register.simple_tag
def tags(codes: tuple[str, ...], contract: Contract) -> SafeString:
    """Systems as tags by their short names; 全院 for none, 各系统 for all."""
    if not codes:
        return SafeString('<span class="xw-tag">全院</span>')
    if len(codes) == len(contract.systems):
        return SafeString('<span class="xw-tag">各系统</span>')
    short = {s.code: s.short for s in contract.systems}
    return format_html_join("", '<span class="xw-tag">{}</span>', ((short.get(c, c),) for c in codes))


def _state(kind: str, glyph: str, word: str) -> SafeString:
    return format_html(
        '<span class="xw-state bare" data-state="{}"><i class="ti ti-{}" aria-hidden="true"></i>{}</span>',
        kind,
        glyph,
        word,
    )
