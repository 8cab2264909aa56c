"""The ledger: what of all cases a person asks for, fast at a million rows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import models
from django.db.models import Q
from django.utils import timezone

from xingwei.base.policy.engine import Actor, Scope
from xingwei.base.policy.registry import policy
from xingwei.base.ui.words import CHINA

from ..engine import facets
from ..models import Case, CaseClocks
from ..models.case import ENDED, NEVER
from .counts import capped_counts, counted_at_once
from .search import search, search_page
from .windows import having, walk

__all__ = [
    "BY_CLOCK", "SORTS", "VIEWS", "View", "by_clock", "by_number", "counts", "due_group", "first_due", "having_all", "rows_for_list",
    "scope_facets", "search", "search_page", "sees_little", "visible",
]  # fmt: skip
BY_CLOCK = ("timing__next_due_at", "timing__case_id")  # both of one index
_NEAR = 150
NUMBER = re.compile(r"^\d{4}-\d{3,6}$")
ROW_FIELDS = (
    "id", "number", "kind", "state", "category", "severity", "title", "system__code", "system__short_name",
    "department__name", "reporter_name", "assignee__name", "assignee__short_name", "assignee__organisation_id",
    "waiting_for", "party", "channel", "ever_late", "opened_at", "updated_at", "version", "merged_into",
    "timing__clocks", "timing__clock_state", "timing__next_due_at", "timing__next_due_clock",
)  # fmt: skip


_OPEN, _OPEN_BY_CLOCK = ~Q(category="closed"), Q(timing__next_due_at__lt=ENDED)


def _all(actor: Actor, now: dt.datetime) -> Q:
    return Q()


@dataclass(frozen=True, slots=True)
class View:
    """A system view: of the open cases (or of all) those that meet `narrow`. order: its natural order."""

    key: str
    label: str
    narrow: Callable[[Actor, dt.datetime], Q] = _all
    order: tuple[str, ...] = BY_CLOCK
    hot: bool = False
    open: bool = True

    def where(self, actor: Actor, now: dt.datetime) -> Q:
        return self.narrow(actor, now) & _OPEN if self.open else self.narrow(actor, now)

    def by_clock(self, actor: Actor, now: dt.datetime) -> Q:
        """The same, said by the clocks: PostgreSQL walks their index where it would find and sort all that is open.
        Both at once it would take for two conditions, and expect next to nothing."""
        return self.narrow(actor, now) & (_OPEN_BY_CLOCK if self.open else Q(timing__isnull=False))


VIEWS: tuple[View, ...] = (
    View("open", "未办结"),
    View(
        "due", "超时与将到点", lambda a, now: Q(timing__next_due_at__lte=now + dt.timedelta(hours=1)), hot=True,
    ),
    View("mine", "待我处理", lambda a, now: Q(assignee_id=a.id)),
    View("third", "等第三方", lambda a, now: Q(category="waiting", waiting_for="third")),
    View("hospital", "等医院", lambda a, now: Q(category="waiting", waiting_for="hospital")),
    View("defects", "缺陷（季度报告）", lambda a, now: Q(kind="defect")),
    View(
        "unanswered", "需求待答复",
        lambda a, now: Q(kind="requirement", category__in=["new", "open", "waiting"]) & ~Q(state="rd"),
    ),
    View("all", "全部", order=("-id",), open=False),
)  # fmt: skip
SORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "due": ("时钟", BY_CLOCK),
    "new": ("最新受理", ("-id",)),
    "updated": ("最近更新", ("-updated_at", "-id")),
    "closed": ("最近办结", ("-closed_at", "-id")),
}


def visible(actor: Actor) -> models.QuerySet[Case]:
    """What of the ledger the actor may see."""
    rows: models.QuerySet[Case] = Case.objects.restrict(actor, "desk.case:view")
    return rows


def sees_little(actor: Actor) -> bool:
    """Whether only what the actor takes part in, or a department of theirs has, is visible: little of it is open, but
    finding it takes several indexes."""
    scope = policy().scope(actor, "desk.case:view")
    return scope is not None and scope < Scope.SYSTEM


def counts(
    actor: Actor, of_open: Mapping[str, Q], more: Mapping[str, models.QuerySet[Case]] | None = None
) -> dict[str, int]:
    """Capped counts of the cases that the actor sees and that meet each condition, open ones all; and of more."""
    seen = visible(actor)
    if sees_little(actor):
        return counted_at_once(seen.exclude(category="closed"), of_open) | capped_counts(more or {})
    return capped_counts({key: seen.filter(where) for key, where in of_open.items()} | dict(more or {}))


def scope_facets(actor: Actor) -> list[list[int]]:
    """What `visible` means for the search's index; nothing where the actor sees all, or all of some systems."""
    scope = policy().scope(actor, "desk.case:view")
    if not sees_little(actor) or actor.id is None:
        return []
    wider = sorted(actor.departments) if scope is Scope.DEPARTMENT else []
    return [[facets.person(actor.id), *(facets.department(pk) for pk in wider)]]


def rows_for_list(rows: models.QuerySet[Case]) -> models.QuerySet[Case]:
    """With everything that a row of the list shows, in one query."""
    return rows.select_related("system", "department", "assignee", "timing").only(*ROW_FIELDS)


def first_due(rows: models.QuerySet[Case], n: int) -> list[Case]:
    """The first n of by_clock. They are looked for among what is due first of all, before all of them are sorted."""
    nearest = list(CaseClocks.objects.order_by("next_due_at", "case_id").values_list("case_id", flat=True)[:_NEAR])
    found = list(by_clock(rows).filter(pk__in=nearest)[:n])
    return found if len(found) == n else list(by_clock(rows)[:n])


def by_clock(rows: models.QuerySet[Case]) -> models.QuerySet[Case]:
    """The open ones of the rows, what is due first on top."""
    return rows.filter(timing__next_due_at__lt=ENDED).order_by(*BY_CLOCK)


def having_all(rows: models.QuerySet[Case], known: Sequence[Sequence[str]], cap: int) -> list[int] | None:
    """The ids of the rows where those are at most cap, None where they are more. known: what the conditions on the
    rows mean for Case.known, one of each list.

    PostgreSQL takes conditions for independent: where no case fits it would look through all that one of them has.
    """
    found = walk(having(rows.order_by(), "known", known), enough=cap + 1)
    return found if len(found) <= cap else None


def by_number(actor: Actor, text: str) -> Case | None:
    """The case of exactly this number, if the actor may see it."""
    number = text.strip()
    return visible(actor).filter(number=number).first() if NUMBER.match(number) else None


def due_group(case: Case, now: dt.datetime | None = None) -> tuple[int, str]:
    """The group by due time that a row stands in, for the ledger sorted by clock: (rank, label)."""
    moment = now or timezone.now()
    if case.category == "closed":
        return 9, "已办结"
    if case.next_due_at >= NEVER:
        return (5, "时钟暂停") if case.clock_state == "paused" else (6, "没有时限")
    if case.next_due_at < moment:
        return 0, "已超时"
    if case.next_due_at <= moment + dt.timedelta(hours=1):
        return 1, "1 小时内到点"
    today = moment.astimezone(CHINA).date()
    day = case.next_due_at.astimezone(CHINA).date()
    if day == today:
        return 2, "今天到点"
    if day <= today + dt.timedelta(days=6 - today.weekday()):
        return 3, "本周到点"
    return 4, "以后到点"
