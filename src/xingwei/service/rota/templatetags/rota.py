"""{% load rota %}: shifts and gaps in words."""

from __future__ import annotations

from django import template

from .. import words
from ..engine.coverage import Gap

register = template.Library()


@register.filter
def gap_words(gap: Gap) -> str:
    return words.gap(gap)


@register.filter
def times(duty: object) -> str:
    """17:30–次日 08:00, of a duty or of a gap."""
    start = getattr(duty, "since", None) or duty.start  # type: ignore[attr-defined]
    end = getattr(duty, "until", None) or duty.end  # type: ignore[attr-defined]
    return words.times(start, end)
