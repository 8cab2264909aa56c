"""Reading the journal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import models
from django.db.models import Max, Q
from django.utils import timezone

from . import options
from .models import Entry, HeadExport, Pending, Seal, SignedHead, Verification

Target = models.Model | tuple[str, str]
_COUNT_CAP = 10_000


def history_of(*targets: Target) -> models.QuerySet[Entry]:
    """Everything recorded on these targets, newest first: what a timeline shows.

    A target is a model instance, or (type, id) as given to `record`. Uses the index on the target; slice it.
    """
    wanted = Q(pk__in=[])
    for target in targets:
        kind, ident = (target._meta.label_lower, target.pk) if isinstance(target, models.Model) else target
        wanted |= Q(target_type=kind, target_id=str(ident))
    return Entry.objects.filter(wanted)


def seal_of(entry: Entry) -> Seal | None:
    """The entry's place in the chain; None while it waits for the sealer."""
    return Seal.objects.filter(entry_id=entry.pk).first()


def head_over(seq: int) -> SignedHead | None:
    """The first signed head that vouches for the row; None while there is none."""
    return SignedHead.objects.filter(seq__gte=seq).order_by("seq", "id").first()


@dataclass(frozen=True, slots=True)
class ChainState:
    """How the chain stands. pending and unsigned count at most 10,000. oldest_at: the first kept entry's time."""

    last: Seal | None
    last_entry: Entry | None
    head: SignedHead | None
    pending: int
    oldest_pending_at: dt.datetime | None
    unsigned: int
    purged: int
    oldest_at: dt.datetime | None
    retention_days: int
    exports: list[HeadExport]
    verification: Verification | None


def chain_state() -> ChainState:
    last = Seal.objects.order_by("-seq").first()
    head = SignedHead.objects.order_by("-id").first()
    oldest_pending = Pending.objects.order_by("entry_id").first()
    return ChainState(
        last=last,
        last_entry=Entry.objects.filter(pk=last.entry_id).first() if last else None,
        head=head,
        pending=Pending.objects.all()[:_COUNT_CAP].count(),
        oldest_pending_at=_at(oldest_pending.entry_id) if oldest_pending else None,
        unsigned=last.seq - head.seq if last and head else last.seq if last else 0,
        purged=head.purged if head else 0,
        oldest_at=Entry.objects.order_by("at", "id").values_list("at", flat=True).first(),
        retention_days=options.current().retention_days,
        exports=list(HeadExport.objects.filter(destination__in=destinations()).order_by("destination")),
        verification=last_verification(),
    )


def destinations() -> list[str]:
    """Where heads go now: the directory beside the database first."""
    chosen = options.current()
    return [p for p in (str(options.local_heads()), chosen.export_directory, chosen.export_url) if p]


def last_verification(*, whole: bool = False) -> Verification | None:
    """The last one that came to an end; whole: of the whole chain."""
    rows = Verification.objects.filter(state=Verification.DONE)
    return (rows.filter(first_seq=None, last_seq=None) if whole else rows).first()


def read_lately(actor_id: int | None, act: str, after: object, within: dt.timedelta) -> bool:
    """Has this account recorded the same reading a short while ago? Paging on is not another reading."""
    since = timezone.now() - within
    recent = Entry.objects.filter(actor_id=actor_id, at__gte=since).order_by("-at", "-id")
    return any(e.act == act and e.after == after for e in recent.only("act", "after")[:50])


def span() -> tuple[int, int]:
    """The numbers of the first and the last row that are kept; (0, 0) for an empty chain."""
    first = Seal.objects.order_by("seq").values_list("seq", flat=True).first()
    return (first or 0, Seal.objects.aggregate(n=Max("seq"))["n"] or 0)


def _at(entry_id: int) -> dt.datetime | None:
    return Entry.objects.filter(pk=entry_id).values_list("at", flat=True).first()
