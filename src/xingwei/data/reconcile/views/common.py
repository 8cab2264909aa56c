"""What the pages of the reconciliations share."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.http import Http404

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.views import ListPage, Page

from ..models import Difference, Reconciliation, Run
from ..queries import board


class RoomPage(Page, abstract=True):
    """A page below the row of reconciliations. current: which of them is meant."""

    current: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": board.tabs(self.actor), "current": self.get_current()}

    def get_current(self) -> str:
        return self.current


class RoomList(ListPage, abstract=True):
    template_name = "reconcile/list.html"
    current: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": board.tabs(self.actor), "current": self.current}


def reconciliation_or_404(actor: Actor, code: str, permission: str = "reconcile.reconciliation:view") -> Reconciliation:
    found = Reconciliation.objects.restrict(actor, permission).filter(code=code.replace("\x00", "")[:40]).first()
    if found is None:
        raise Http404("没有这项对账，或您不能看它")
    row: Reconciliation = found
    return row


def run_or_404(actor: Actor, pk: int, permission: str = "reconcile.reconciliation:view") -> Run:
    rows = Run.objects.restrict(actor, permission).select_related("reconciliation", "version", "replay_of")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404("没有这次核对")
    row: Run = found
    return row


def difference_or_404(actor: Actor, pk: int, permission: str = "reconcile.difference:view") -> Difference:
    rows = Difference.objects.restrict(actor, permission).select_related(
        "reconciliation", "first_run", "last_run", "owner", "case"
    )
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404("没有这笔差异")
    row: Difference = found
    return row


def day_of(text: str) -> dt.date | None:
    """A day from the address; None for what is none."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
