"""Writing into the inboxes, in the transaction of the act itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from ...models import Notification


def write(
    persons: Sequence[Any], *, sender: str, kind: str, content: dict[str, Any], urgent: bool, key: str
) -> list[Notification]:
    """One row a person, none for who was told this key before; the rows made now."""
    rows = [
        Notification(person=p, kind=kind[:80], urgent=urgent, key=key, sender=sender[:80], at=timezone.now(), **content)
        for p in persons
    ]
    if not key:
        return Notification.objects.bulk_create(rows)
    told = Notification.objects.filter(key=key, person__in=persons)
    before = set(told.values_list("person_id", flat=True))
    rows = [n for n in rows if n.person_id not in before]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    # Whoever was told by another act in the same moment is found here too; the outbox refuses that key itself.
    return list(told.exclude(person_id__in=before))
