"""{% load knowledge %}: a guide's state in a list."""

from __future__ import annotations

from django import template

from ..models import Guide

register = template.Library()


@register.filter
def guide_state(guide: Guide) -> tuple[str, str]:
    from ..views.guides import state_of

    return state_of(guide)
