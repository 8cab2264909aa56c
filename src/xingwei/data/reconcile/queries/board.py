"""What the morning's page shows: verdict, bridge, groups, the rows, the days before, and what tomorrow needs."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q
from django.utils import timezone

from xingwei.base.policy.engine import Actor

from ..models import Difference, ForcedMatch, Reconciliation, Remedy, Run

OPEN = (Difference.State.NEW, Difference.State.PERSISTING)
DAYS = 31
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Tab:
    """One reconciliation in the row above the page: what stands beside its name."""

    row: Reconciliation
    run: Run | None
    mark: str
    hot: bool


def tabs(actor: Actor) -> list[Tab]:
    """All reconciliations with the latest result of each, in two queries."""
    rows = list(Reconciliation.objects.restrict(actor, "reconcile.reconciliation:view"))
    latest = {r.reconciliation_id: r for r in _latest(rows)}
    return [Tab(row, latest.get(row.pk), *_mark(latest.get(row.pk))) for row in rows]


def _latest(rows: Sequence[Reconciliation]) -> Iterable[Run]:
    return (
        Run.objects.filter(reconciliation__in=rows, state=Run.State.DONE, replay_of=None)
        .order_by("reconciliation_id", "-until", "-id")
        .distinct("reconciliation_id")
        .defer("facts", "inputs", "bridge")
    )


def _mark(run: Run | None) -> tuple[str, bool]:
    if run is None:
        return "未核", False
    if run.verdict == Run.Verdict.BALANCED:
        return "平", False
    return (str(run.rows), True) if run.verdict == Run.Verdict.DIFFERENCES else ("不完整", True)


def run_of(row: Reconciliation, day: dt.date | None) -> Run | None:
    """The last run that ended on this day's books; without a day the newest of all, shortest span first."""
    runs = row.runs.filter(replay_of=None).select_related("version", "reconciliation")
    if day is not None:
        runs = runs.filter(until=day)
    done = runs.filter(state=Run.State.DONE)
    single = done.filter(since=day) if day is not None else done
    found: Run | None = single.order_by("-until", "-id").first() or done.order_by("-until", "-id").first()
    return found or runs.order_by("-id").first()


def under_way(row: Reconciliation) -> Run | None:
    found: Run | None = row.runs.filter(state__in=[Run.State.WAITING, Run.State.RUNNING]).order_by("-id").first()
    return found


def rows_of(run: Run, limit: int = SHOWN) -> list[Difference]:
    """The run's differences as they are now, largest first; each carries `.then` (the sighting) and `.remedy`."""
    sightings = list(
        run.sightings.select_related("difference__owner", "difference__case", "difference__reconciliation").order_by(
            "cause", "-gap", "difference_id"
        )[:limit]
    )
    rows = []
    for sighting in sightings:
        row = sighting.difference
        row.then = sighting
        rows.append(row)
    attach(rows)
    order: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        order[row.then.cause] += abs(row.then.gap)
    rows.sort(key=lambda d: (-order[d.then.cause], d.then.cause, -abs(d.then.gap), d.pk))
    return rows


def attach(rows: Sequence[Difference]) -> None:
    """`.remedy` (the newest) and `.match` (waiting for a second person) of each, in two queries."""
    remedies: dict[int, Remedy] = {}
    for remedy in Remedy.objects.filter(difference__in=rows).order_by("id").prefetch_related("approvals"):
        remedies[remedy.difference_id] = remedy
    matches = {
        m.difference_id: m for m in ForcedMatch.objects.filter(difference__in=rows, state=ForcedMatch.State.PROPOSED)
    }
    for row in rows:
        row.remedy, row.match = remedies.get(row.pk), matches.get(row.pk)


@dataclass(frozen=True, slots=True)
class Day:
    """One square of the last 31 days. state: ok, handled, open, none (no result)."""

    day: dt.date
    state: str
    run: Run | None
    rows: int = 0
    gap: Decimal | None = None

    @property
    def words(self) -> str:
        said = {"ok": "平", "handled": "不平，已处理", "open": "在处理", "none": "未出账", "unknown": "不完整"}[
            self.state
        ]
        return f"{self.day:%m-%d} {said}" + (f"，{self.rows} 笔，差 {self.gap:,.2f} 元" if self.rows else "")


def days(row: Reconciliation, until: dt.date, count: int = DAYS) -> list[Day]:
    """The newest result of each of these days, and whether what it found is still open."""
    since = until - dt.timedelta(days=count - 1)
    runs = {
        r.until: r
        for r in row.runs.filter(
            until__range=(since, until), state=Run.State.DONE, replay_of=None
        ).order_by("until", "id").defer("facts", "inputs", "bridge")
    }  # fmt: skip
    still = set(
        Difference.objects.filter(reconciliation=row, day__range=(since, until), state__in=OPEN).values_list(
            "day", flat=True
        )
    )
    found = []
    for n in range(count):
        day = since + dt.timedelta(days=n)
        run = runs.get(day)
        if run is None:
            found.append(Day(day, "none", None))
        elif run.verdict == Run.Verdict.INCOMPLETE:
            found.append(Day(day, "unknown", run, run.rows, run.gap))
        elif day in still:
            found.append(Day(day, "open", run, run.rows, run.gap))
        else:
            seen = run.rows > 0 or Difference.objects.filter(reconciliation=row, day=day).exists()
            found.append(Day(day, "handled" if seen else "ok", run, run.rows, run.gap))
    return found


@dataclass(frozen=True, slots=True)
class Attention:
    """state: warn or late."""

    state: str
    text: str
    detail: str
    url: str


def attention(row: Reconciliation, now: dt.datetime | None = None) -> list[Attention]:
    """What the next days need: overdue and old differences, remedies that wait, bills that have not come."""
    at = now or timezone.now()
    found = []
    opened = Difference.objects.filter(reconciliation=row, state__in=OPEN)
    counts = opened.aggregate(
        late=Count("pk", filter=Q(due_at__lt=at)),
        old=Count("pk", filter=Q(opened_at__lt=at - dt.timedelta(days=7))),
        nobody=Count("pk", filter=Q(owner=None)),
    )
    if counts["late"]:
        found.append(
            Attention("late", f"{counts['late']} 笔差异超过处理时限", "请责任人今天办完，或写明为什么。", "?state=late")
        )
    if counts["old"]:
        found.append(Attention("warn", f"{counts['old']} 笔差异已超过 7 天", "清算前要有结论。", "?state=old"))
    if counts["nobody"]:
        found.append(Attention("warn", f"{counts['nobody']} 笔差异还没有责任人", "归口科室先认领。", "?state=nobody"))
    waiting = Remedy.objects.filter(difference__reconciliation=row, state=Remedy.State.PROPOSED).count()
    if waiting:
        found.append(Attention("warn", f"{waiting} 笔处理等双人批准", "业务与技术各一人。", "remedies"))
    unproved = Remedy.objects.filter(difference__reconciliation=row, state=Remedy.State.DONE).count()
    if unproved:
        found.append(Attention("warn", f"{unproved} 笔处理等证明", "下一次核对里不再出现即为已平。", "remedies"))
    failed = row.runs.filter(state=Run.State.FAILED, asked_at__gt=at - dt.timedelta(days=2)).order_by("-id").first()
    last = row.runs.filter(state=Run.State.DONE).order_by("-id").first()
    if failed and (last is None or last.pk < failed.pk):
        found.append(Attention("late", "最近一次核对没有完成", failed.problem, failed.get_absolute_url()))
    return found


def open_count(actor: Actor) -> int:
    """For the navigation: reconciliations that do not balance now."""
    return sum(1 for tab in tabs(actor) if tab.hot)
