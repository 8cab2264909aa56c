"""Waking a background task that does everything that is due: one waiting job is enough."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued


def wake(task: Any, **kwargs: Any) -> bool:
    """Queue the task unless it waits already (its queueing_lock says so); returns whether it was queued.

    In a transaction the job appears with its commit; being queued already does not spoil the transaction.
    """
    try:
        with transaction.atomic():
            task.defer(**kwargs)
    except AlreadyEnqueued:
        return False
    return True
