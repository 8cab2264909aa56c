"""What all services of the reconciliations share."""

from __future__ import annotations

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import roles
from xingwei.base.ui.views import ServiceRefused


class ReconcileRefused(ServiceRefused):
    """What these services refuse; the text is for the user."""


BUSINESS = frozenset({"insurance_office", "finance_office"})


def side_of(actor: Actor) -> str:
    """For which side somebody agrees: business or technical."""
    return "business" if actor.roles & BUSINESS else "technical"


def called(actor: Actor) -> str:
    """The name with the roles, as it stands on paper."""
    known = roles()
    labels = "、".join(str(known[r]["label"]) for r in sorted(actor.roles) if r in known)
    return (f"{actor.name}（{labels}）" if labels else actor.name)[:60]


def sentence(text: str, what: str, most: int = 500) -> str:
    """Something that somebody must have written, checked; raises ReconcileRefused."""
    said = " ".join(text.replace("\x00", "").split())
    if len(said) < 2:
        raise ReconcileRefused(f"请写明{what}。")
    if len(said) > most:
        raise ReconcileRefused(f"{what}最多 {most} 字。")
    return said
