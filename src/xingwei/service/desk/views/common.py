"""What the desk's pages share: the case of the address, its refusals."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.functional import cached_property

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.views import Guarded

from ..models import Case

PORTAL_ROLES = frozenset({"reporter"})


class NoSuchCase(Exception):
    """The number is unknown, or its case is not this person's to see. Both look alike from outside."""

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(number)


class OfCase(Guarded, abstract=True):
    """A view at /NUMBER/…: `self.case` is the case, if the actor may see it; the answer is 404 otherwise."""

    related: tuple[str, ...] = ()

    @cached_property
    def case(self) -> Case:
        return case_of(self.actor, self.kwargs["number"], *self.related)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except NoSuchCase as missing:
            newest = Case.objects.restrict(self.actor, "desk.case:view").order_by("-id").only("number").first()
            known = {"number": missing.number[:20], "newest": newest, "portal": is_portal_person(self.actor)}
            return render(request, "desk/missing.html", known, status=404)


def case_of(actor: Actor, number: str, *related: str) -> Case:
    """The case of that number, among those the actor may see; full-width digits are understood."""
    wanted = unicodedata.normalize("NFKC", number).strip().upper()
    rows = Case.objects.restrict(actor, "desk.case:view")
    case: Case | None = (
        rows.select_related(*related).filter(number=wanted).first() if related else (rows.filter(number=wanted).first())
    )
    if case is None:
        raise NoSuchCase(number)
    return case


def is_portal_person(actor: Actor) -> bool:
    """Those who only report: the phone pages are theirs, the workbench is not."""
    return bool(actor.roles) and actor.roles <= PORTAL_ROLES
