"""What is due, what was found, and how it compares with the last time."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from .engine.comparing import Change, Counts, Key, compare, count
from .models import Inspection, Item

STATES = {
    "planned": ("unknown", "calendar-event"), "open": ("doing", "progress"), "done": ("ok", "circle-check"),
    "cancelled": ("unknown", "circle-x"),
}  # fmt: skip
CHANGE_WORDS = {
    Change.NEW: ("late", "新发现"), Change.STAYS: ("late", "上次已有"), Change.MENDED: ("ok", "上次的隐患已消除"),
    Change.SAME: ("", ""), Change.UNKNOWN: ("", ""),
}  # fmt: skip


@dataclass(slots=True)
class Line:
    """An item with what the last inspection said of it."""

    item: Item
    change: Change
    last: Item | None

    @property
    def change_words(self) -> tuple[str, str]:
        return CHANGE_WORDS[self.change]


@dataclass(slots=True)
class Group:
    """The items of one checklist for one system."""

    title: str
    system: str
    lines: list[Line] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        return count(line.item.result for line in self.lines)


@dataclass(slots=True)
class Whole:
    """An inspection laid out."""

    inspection: Inspection
    previous: Inspection | None
    groups: list[Group]

    @property
    def counts(self) -> Counts:
        return count(line.item.result for group in self.groups for line in group.lines)

    @property
    def hazards(self) -> list[Line]:
        return [line for group in self.groups for line in group.lines if line.item.result == Item.Result.HAZARD]

    @property
    def mended(self) -> int:
        return sum(line.change is Change.MENDED for group in self.groups for line in group.lines)

    @property
    def progress(self) -> int:
        """Answered items in a hundred."""
        counts = self.counts
        return 100 * (counts.all - counts.open) // counts.all if counts.all else 0


def with_counts() -> QuerySet[Inspection]:
    """Inspections with `hazards` and `open_items`."""
    rows: QuerySet[Inspection] = Inspection.objects.select_related("plan", "inspector")
    return rows.annotate(
        hazards=Count("items", filter=Q(items__result="hazard")),
        open_items=Count("items", filter=Q(items__result="")),
        all_items=Count("items"),
    )


def is_late(inspection: Inspection, today: dt.date | None = None) -> bool:
    return inspection.state in ("planned", "open") and inspection.due_on < (today or timezone.localdate())


def due(days: int = 30) -> list[Inspection]:
    """What is late or comes within so many days, the soonest first."""
    until = timezone.localdate() + dt.timedelta(days=days)
    return list(with_counts().filter(state__in=["planned", "open"], due_on__lte=until).order_by("due_on"))


def previous_of(inspection: Inspection) -> Inspection | None:
    """The last one of the same plan that was finished before it."""
    rows = Inspection.objects.filter(plan=inspection.plan, state="done", due_on__lt=inspection.due_on)
    return rows.order_by("-due_on").first()


def whole(inspection: Inspection) -> Whole:
    """In four queries, whatever the number of items."""
    previous = previous_of(inspection)
    items = list(inspection.items.select_related("system", "case", "case__assignee", "by"))
    before = {_key(i): i for i in previous.items.select_related("system")} if previous else {}
    changes = compare({_key(i): i.result for i in items}, {key: i.result for key, i in before.items()})
    return Whole(inspection, previous, _groups(items, before, changes))


def _key(item: Item) -> Key:
    return item.checklist, item.system.code if item.system else "", item.code


def _groups(items: Iterable[Item], before: dict[Key, Item], changes: dict[Key, Change]) -> list[Group]:
    found: dict[tuple[str, str], Group] = {}
    for item in items:
        system = item.system.short_name if item.system else ""
        group = found.setdefault((item.checklist, system), Group(item.group, system))
        group.lines.append(Line(item, changes[_key(item)], before.get(_key(item))))
    return list(found.values())


def by_system(whole: Whole) -> list[tuple[str, Counts]]:
    """For the picture: what came of the items, system by system."""
    results: dict[str, list[str]] = defaultdict(list)
    for group in whole.groups:
        results[group.system or "全院"] += [line.item.result for line in group.lines]
    return [(system, count(found)) for system, found in results.items()]
