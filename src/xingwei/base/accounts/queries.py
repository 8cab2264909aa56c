"""Reading people: the acting person of a request, and look-ups that other rooms need."""

from __future__ import annotations

from django.utils import timezone

from xingwei.base.policy.engine import ANONYMOUS, Actor

from .models import User


def actor_of(user: User, *, address: str = "", via: str = "page") -> Actor:
    """The account as an Actor; ANONYMOUS for one that is switched off or past its date."""
    if not user.is_active or (user.valid_until and user.valid_until < timezone.localdate()):
        return ANONYMOUS
    assignments = list(user.assignments.in_force())
    return Actor(
        id=user.pk,
        name=user.name,
        organisation=user.organisation.short_name,
        address=address,
        via=via,
        side=user.organisation.side,
        roles=frozenset(a.role for a in assignments),
        departments=frozenset([user.department_id] if user.department_id else []),
        systems=frozenset(code for a in assignments for code in a.systems),
    )
