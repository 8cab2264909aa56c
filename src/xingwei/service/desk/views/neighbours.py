"""What the desk shows on the pages of lower rooms: open cases of a system, and the deadlines that a calendar moves."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from xingwei.base.estate.models import System

from ..queries import ledger
from ..queries.counts import capped_counts, count_text
from ..services.clocks import moved_by
from .rows import HEAVY, RELATED, rows

_SHOWN = 5


def cases_of_system(request: HttpRequest, system: System) -> dict[str, Any]:
    """The card on a system's page: what is open there, what is due first on top."""
    running = ledger.visible(request.actor).filter(system=system).exclude(category="closed")  # type: ignore[attr-defined]
    shown = ledger.first_due(running.select_related(*RELATED).defer(*HEAVY), _SHOWN)
    return {
        "rows": rows(shown),
        "count": count_text(capped_counts({"n": running})["n"]),
        "url": f"{reverse('desk:ledger')}?view=open&system={system.code}",
    }


def moved_deadlines(request: HttpRequest, proposal: Any) -> dict[str, Any]:
    """Below a calendar's preview: which deadlines of open cases it would move."""
    found = moved_by(proposal.after)
    return {"moved": found.moved[:_SHOWN], "count": len(found.moved), "checked": found.checked, "more": found.more}
