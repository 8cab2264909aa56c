"""How long each business function was up: by day for the bars, by month for the contract, and counted again from the
journal, so that the figure can be proved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from xingwei.base.estate.models import BusinessFunction
from xingwei.base.journal.models import Entry
from xingwei.base.ui.words import CHINA

from ..engine.uptime import Piece, Span, Uptime, count, cut, pieces
from ..models import FunctionSpan, FunctionWatch
from . import states

ACT = "watch.function.state"


@dataclass(frozen=True, slots=True)
class Month:
    first: dt.date
    uptime: Uptime
    target: float

    @property
    def met(self) -> bool | None:
        share = self.uptime.share
        return None if share is None else share >= self.target

    @property
    def minutes(self) -> dict[str, int]:
        return {state: round(s / 60) for state, s in self.uptime.seconds.items()}


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the bars. state: the worst there was; said: the tooltip."""

    day: dt.date
    state: str
    said: str


def start_of(month: dt.date) -> dt.datetime:
    return dt.datetime(month.year, month.month, 1, tzinfo=CHINA)


def next_month(month: dt.date) -> dt.date:
    return dt.date(month.year + month.month // 12, month.month % 12 + 1, 1)


def parts_of(function: BusinessFunction, since: dt.datetime, until: dt.datetime) -> list[Piece]:
    """The stretch without holes, up to now at most."""
    until = min(until, timezone.now())
    rows = FunctionSpan.objects.filter(function=function, since__lt=until).exclude(until__lte=since).order_by("since")
    spans = [Span(r.state, r.since, r.until, r.said) for r in rows]
    return _pieces(function, spans, since, until)


def parts_of_all(
    functions: Sequence[BusinessFunction], since: dt.datetime, until: dt.datetime
) -> Mapping[int, list[Piece]]:  # fmt: skip
    """The same for many functions, in a fixed number of queries a function's system apart."""
    until = min(until, timezone.now())
    rows = FunctionSpan.objects.filter(function__in=functions, since__lt=until).exclude(until__lte=since)
    spans: dict[int, list[Span]] = {}
    for row in rows.order_by("since"):
        spans.setdefault(row.function_id, []).append(Span(row.state, row.since, row.until, row.said))
    blind = states.blind(since, until)
    shared = states.Maintenance(since, until)
    return {
        f.pk: pieces(spans.get(f.pk, []), since, until, maintenance=shared.of(f.key, f.system.code), blind=blind)
        for f in functions
    }


def _pieces(function: BusinessFunction, spans: Sequence[Span], since: dt.datetime, until: dt.datetime) -> list[Piece]:
    quiet = states.Maintenance(since, until).of(function.key, function.system.code)
    return pieces(spans, since, until, maintenance=quiet, blind=states.blind(since, until))


def months(watched: FunctionWatch, count_of: int = 12, today: dt.date | None = None) -> list[Month]:
    """The last months, newest first; months before the first observation are left out."""
    first = FunctionSpan.objects.filter(function=watched.function).order_by("since").first()
    if first is None:
        return []
    month = (today or timezone.localdate()).replace(day=1)
    began = first.since.astimezone(CHINA).date().replace(day=1)
    out = []
    oldest = max(began, _back(month, count_of - 1))
    parts = parts_of(watched.function, max(start_of(oldest), first.since), start_of(next_month(month)))
    while month >= oldest:
        inside = cut(parts, start_of(month), start_of(next_month(month)))
        out.append(Month(month, count(inside), float(watched.target)))
        month = _back(month, 1)
    return out


def _back(month: dt.date, by: int) -> dt.date:
    number = month.year * 12 + month.month - 1 - by
    return dt.date(number // 12, number % 12 + 1, 1)


_WORST = ("down", "slow", "unknown", "maintenance", "up")
_WORDS = {"up": "正常", "slow": "受影响", "down": "中断", "unknown": "看不到", "maintenance": "维护"}


def bars(parts: Sequence[Piece], days: int, today: dt.date | None = None) -> list[Bar]:
    """One a day, the oldest first. A day counts as what was worst in it; a minute of blindness does not paint a day."""
    last = today or timezone.localdate()
    out = []
    for back in range(days - 1, -1, -1):
        day = last - dt.timedelta(days=back)
        start = dt.datetime.combine(day, dt.time(), tzinfo=CHINA)
        found = count(cut(parts, start, start + dt.timedelta(days=1)))
        seconds = found.seconds
        total = sum(seconds.values())
        state = "unknown"
        for name in _WORST:
            enough = 0.5 * total if name in {"unknown", "maintenance"} else 0
            if seconds[name] > enough:
                state = name
                break
        share = "" if found.share is None else f"，可用 {found.share:.2f} %"
        down = f"，中断 {seconds['down'] / 60:.0f} 分" if seconds["down"] else ""
        out.append(
            Bar(day, state if total else "none", f"{day:%m-%d} {_WORDS[state] if total else '没有数据'}{share}{down}")
        )
    return out


@dataclass(frozen=True, slots=True)
class Proof:
    """The month counted again from the journal's entries. entries: how many; same: whether the figures agree."""

    uptime: Uptime
    entries: int
    same: bool


def proof(watched: FunctionWatch, month: dt.date) -> Proof:
    """Count the month from the journal alone, and compare it with the spans."""
    function = watched.function
    since, until = start_of(month), min(start_of(next_month(month)), timezone.now())
    kind, ident = type(function)._meta.label_lower, str(function.pk)
    rows = Entry.objects.filter(act=ACT, target_id=ident, target_type=kind, at__lt=until).order_by("id")
    begins = [(dt.datetime.fromisoformat(r.after["since"]), r.after["state"]) for r in rows if r.after]
    ends: list[dt.datetime | None] = [at for at, _ in begins[1:]]
    spans = [Span(state, at, end) for (at, state), end in zip(begins, [*ends, None], strict=True)] if begins else []
    first = FunctionSpan.objects.filter(function=function).order_by("since").values_list("since", flat=True).first()
    since = max(since, first) if first else since
    again = count(_pieces(function, spans, since, until))
    known = count(parts_of(function, since, until))
    same = all(abs(again.seconds[k] - known.seconds[k]) < 1.0 for k in known.seconds)
    return Proof(again, len(begins), same)
