"""Entries past the retention period go; what is left stays verifiable.

A signed head declares up to which row everything was removed, and the chain is verified from there on. The
database lets nothing else be deleted (migrations/0003), and nothing younger than 184 days whatever is set.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from django.utils import timezone

from . import options
from .models import Seal, SignedHead
from .sealing import sign_now, wait_for_lock
from .services import record
from .who import Who


def purge(actor: Who) -> int:
    """Remove entries that are older than the retention period; returns how many. Recorded like any act.

    Always whole spans between two heads, and never the last row.
    """
    days = max(options.current().retention_days, options.RETENTION_DAYS_MIN)
    cutoff = timezone.now() - dt.timedelta(days=days)
    with transaction.atomic(), connection.cursor() as cursor:
        wait_for_lock(cursor)
        purged = SignedHead.objects.order_by("-id").values_list("purged", flat=True).first() or 0
        upto = _last_span(cutoff, purged)
        if upto is None:
            return 0
        first = Seal.objects.order_by("seq").values_list("seq", flat=True)[0]
        sign_now(options.signer(), purged=upto)
        cursor.execute("SELECT journal_purge()")
        removed: int = cursor.fetchone()[0]
        record(
            actor,
            "journal.entries.purge",
            None,
            f"清理超过 {days} 天留存期的审计日志 {removed:,} 条（序号 {first} 至 {upto}）",
            after={"first": first, "last": upto, "removed": removed, "retention_days": days},
        )
    return removed


def _last_span(cutoff: dt.datetime, purged: int) -> int | None:
    """The number of the last head before which every entry is older than cutoff."""
    last = Seal.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    heads = SignedHead.objects.filter(seq__gt=purged, seq__lt=last).order_by("-seq")
    seqs = heads.values_list("seq", flat=True)
    upto = seqs.filter(at__lt=cutoff).first()
    if upto is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(s.seq) FROM journal_seal s JOIN journal_entry e ON e.id = s.entry_id"
            " WHERE s.seq > %s AND s.seq <= %s AND e.at >= %s",
            [purged, upto, cutoff],
        )
        young = cursor.fetchone()[0]
    return upto if young is None else seqs.filter(seq__lt=young).first()
