"""What keeps the room tidy: reminders of what is overdue, and files beyond their time."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone

from xingwei.base.accounts.queries import people_with_role
from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import system_actor
from xingwei.base.site.queries import value

from .. import kept
from ..models import Difference, Draft, Reconciliation, Run


def remind(now: dt.datetime | None = None) -> int:
    """Tell owners, or the role in charge, once a day of what is overdue; returns how many were told."""
    at = now or timezone.now()
    told = 0
    late = Difference.objects.filter(state__in=["new", "persisting"], due_at__lt=at)
    for group in late.values("reconciliation", "owner").annotate(n=Count("pk"), oldest=Min("due_at")).order_by():
        row = Reconciliation.objects.get(pk=group["reconciliation"])
        people = (
            [group["owner"]] if group["owner"] else list(people_with_role(row.owner_role).values_list("pk", flat=True))
        )
        with transaction.atomic():
            sent = notify.tell(
                system_actor("task"), people, kind="reconcile.late",
                title=f"{row.name}有 {group['n']} 笔差异超过时限", url=row.get_absolute_url(),
                key=f"reconcile:{row.pk}:late:{timezone.localdate(at)}",
            )  # fmt: skip
        told += len(sent)
    return told


def clear_out(now: dt.datetime | None = None) -> int:
    """Remove files that no run within its time refers to; returns how many."""
    at = now or timezone.now()
    since = at - dt.timedelta(days=int(value("reconcile.keep_days")))
    wanted: set[str] = set()
    for inputs, facts in Run.objects.filter(asked_at__gte=since).values_list("inputs", "facts").iterator(1_000):
        wanted |= {f["digest"] for found in inputs.values() for f in found}
        if facts.get("differences"):
            wanted.add(facts["differences"]["digest"])
    Draft.objects.filter(at__lt=at - dt.timedelta(days=30)).delete()
    for files in Draft.objects.values_list("files", flat=True):
        wanted |= {f["digest"] for f in files.values()}
    gone = 0
    young = (at - dt.timedelta(days=2)).timestamp()
    for path in (kept.root() / "kept").glob("*/*"):
        if path.name.partition(".")[0] not in wanted and path.stat().st_mtime < young:
            path.unlink(missing_ok=True)
            gone += 1
    if gone:
        with transaction.atomic():
            record(
                system_actor("task"),
                "reconcile.files.clear",
                None,
                f"清出 {gone} 个过期的对账文件",
                after={"files": gone},
            )
    return gone
