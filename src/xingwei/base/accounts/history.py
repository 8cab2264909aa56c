"""What was done to an object, as a panel for the page of any room: {% panels "history" object %}."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from xingwei.base.journal.queries import Target, history_of
from xingwei.base.policy.registry import may

SHOWN = 20


def panel(request: HttpRequest, obj: Any) -> dict[str, Any] | None:
    """obj: a model instance, a (type, id) pair as given to `record`, or a list of these."""
    targets: list[Target] = obj if isinstance(obj, list) else [obj] if obj is not None else []
    if not targets:
        return None
    entries = list(history_of(*targets)[: SHOWN + 1])
    may_read = may(request.actor, "accounts.journal:view")  # type: ignore[attr-defined]
    first = targets[0]
    kind, ident = (first._meta.label_lower, first.pk) if isinstance(first, models.Model) else first
    whole = f"{reverse('accounts:journal')}?{urlencode({'target': f'{kind}:{ident}'})}"
    return {
        "entries": entries[:SHOWN],
        "more": len(entries) > SHOWN,
        "may_read": may_read,
        "whole_url": whole if may_read else "",
    }
