"""Template tags of the critical-value loop: {% load gateway_desk %}."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.simple_tag
def critical_clock(row: Any) -> dict[str, str]:
    """State and words of a critical value's loop."""
    from ..views.critical import clock_words

    return clock_words(row)
