"""Starting the delivery as soon as what there is to deliver is committed."""

from __future__ import annotations

import logging

from django.db import transaction

log = logging.getLogger(__name__)


def wake() -> None:
    """Have the outbox looked at after commit. Many calls in one transaction wake it once."""
    connection = transaction.get_connection()
    if not any(callback is _defer_delivery for _, callback, *_ in connection.run_on_commit):
        transaction.on_commit(_defer_delivery, robust=True)


def wake_inbound() -> None:
    """Have what came in processed after commit."""
    transaction.on_commit(_defer_inbound, robust=True)


def _defer_delivery() -> None:
    from .tasks import deliver_now

    _defer(deliver_now)


def _defer_inbound() -> None:
    from .tasks import process_now

    _defer(process_now)


def _defer(task) -> None:  # type: ignore[no-untyped-def]
    from procrastinate.exceptions import AlreadyEnqueued

    try:
        with transaction.atomic():
            task.defer()
    except AlreadyEnqueued:
        pass  # one that waits already will see this, too; and the periodic one comes within seconds anyway
