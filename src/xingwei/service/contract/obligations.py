"""How the obligations of a contract stand on a day: what is late, what is due next, what shows that it was done."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from django.utils import timezone

from xingwei.base.calendar import queries as calendar

from . import evidence
from .engine.due import Standing, dues, standing
from .engine.model import Obligation
from .engine.periods import Period, contract_quarters, current
from .evidence import EvidenceRow
from .models import Performance
from .queries import Shown

_FIRST = {"late": 0, "partly": 1, "soon": 1, "open": 1, "future": 1}


@dataclass(frozen=True, slots=True)
class Kept:
    """One obligation. standings: its due times, in order; none for those without dates, or before the contract holds.

    evidence: what shows that it was kept, in the whole term, newest first. counted: some room counts its kind;
    people can record any.
    """

    obligation: Obligation
    standings: tuple[Standing, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    counted: bool = False
    records: tuple[Performance, ...] = field(default=(), repr=False)

    @property
    def now(self) -> Standing | None:
        """The due time to look at: the first that is late, else the next one, else the last, which is done."""
        pending = [s for s in self.standings if not s.is_done]
        return next(iter(self.late or pending or self.standings[-1:]), None)

    @property
    def late(self) -> list[Standing]:
        return [s for s in self.standings if s.state == "late"]

    @property
    def total(self) -> int:
        """How many pieces of evidence there are."""
        return sum(row.count for row in self.evidence)

    def within(self, period: Period | None) -> int:
        """How many of them lie in a period."""
        return sum(row.count for row in self.evidence if period and row.on in period)


def kept(shown: Shown, *, only: Collection[str] | None = None, dated: bool = False) -> list[Kept]:
    """The obligations of a contract, in its order. only: their ids. dated: those with dates alone."""
    today = timezone.localdate()
    chosen = [o for o in shown.contract.obligations if (only is None or o.id in only) and (o.dated or not dated)]
    records: dict[str, list[Performance]] = defaultdict(list)
    for row in Performance.objects.filter(code=shown.contract.code).select_related("recorded_by"):
        records[row.obligation].append(row)
    counted: dict[str, list[EvidenceRow]] = {}
    if shown.term is not None:
        whole = Period(0, shown.term.starts_on, shown.term.ends_on, "合同期")
        counted = {kind: evidence.rows(kind, whole) for kind in {o.evidence_kind for o in chosen}}
    return [_kept(shown, o, counted.get(o.evidence_kind, []), records[o.id], today) for o in chosen]


def pending(rows: list[Kept]) -> list[Standing]:
    """Every due time that is not yet done, late ones first, then by day."""
    found = [s for row in rows for s in row.standings if not s.is_done]
    return sorted(found, key=lambda s: (_FIRST[s.state], s.due.due, s.due.obligation.id))


def quarter_on(shown: Shown, day: dt.date) -> Period | None:
    """The quarter of the assessment that holds the day."""
    return current(contract_quarters(shown.term), day) if shown.term else None


def _kept(
    shown: Shown, obligation: Obligation, counted: list[EvidenceRow], records: list[Performance], today: dt.date
) -> Kept:
    own = [row for row in counted if not row.system or not obligation.systems or row.system in obligation.systems]
    own += [_row(record) for record in records if record.struck_at is None]
    own.sort(key=lambda row: row.on, reverse=True)
    standings: tuple[Standing, ...] = ()
    if shown.term is not None:
        done = [row.done for row in own]
        found = dues(obligation, shown.term, calendar.current(), shown.readings)
        standings = tuple(standing(due, done, today) for due in found)
    return Kept(obligation, standings, tuple(own), evidence.counted(obligation.evidence_kind), tuple(records))


def _row(record: Performance) -> EvidenceRow:
    label = f"{record.note}（{record.reference}）" if record.reference else record.note
    return EvidenceRow(record.done_on, label, "", record.system, 1, record.due_on)
