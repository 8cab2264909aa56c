"""What an address of the ledger asks for: view, filters, words, order. Read by the page, its export and J/K."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property

from xingwei.base.accounts.models import Department
from xingwei.base.estate.models import System
from xingwei.base.policy.engine import Actor, Scope
from xingwei.base.policy.registry import policy
from xingwei.base.ui import keyset
from xingwei.base.ui.table import Filter
from xingwei.base.ui.words import CHINA

from ..engine import facets
from ..models import Case
from ..models.case import KNOWN_AS
from ..queries import ledger
from ..queries.counts import CAP, capped_counts, count_text
from ..workflow import kind_choices
from .sheets import workers

CATEGORIES = (
    ("new", "待响应、待受理"),
    ("open", "办理中"),
    ("waiting", "等别人"),
    ("answered", "已答复"),
    ("resolved", "待确认"),
    ("closed", "已办结"),
)
MORE = frozenset({"channel", "late", "from", "to", "tag"})  # behind "加条件" until they are used


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a case stands in a list: the addresses before and after it, its place, and how many there are."""

    previous: Case | None
    next: Case | None
    place: int
    total: str


class LedgerQuery:
    """The part of an address after "?", understood. Unknown keys and values are ignored: addresses grow old."""

    def __init__(self, actor: Actor, query: QueryDict, now: dt.datetime | None = None) -> None:
        self.actor, self.query = actor, query
        self.now = now or timezone.now()
        views = {v.key: v for v in ledger.VIEWS}
        self.view = views.get(query.get("view", ""), ledger.VIEWS[0])
        self.words = unicodedata.normalize("NFKC", query.get("q", "")).replace("\x00", "").strip()[:100]
        wanted = query.get("sort", "")
        self.sort = wanted if wanted in ledger.SORTS else self._natural_sort()

    def _natural_sort(self) -> str:
        return next((key for key, (_, order) in ledger.SORTS.items() if order == self.view.order), "due")

    @property
    def order(self) -> tuple[str, ...]:
        if self.sort == "new" and not {"from", "to"}.isdisjoint(self.used):
            return ("-opened_at", "-id")  # the same order but for late entries, and the dates bound its index
        return ledger.SORTS[self.sort][1]

    @cached_property
    def filters(self) -> tuple[Filter, ...]:
        return _filters(lambda key: self._options[key], everyone=self.sees_all)

    @cached_property
    def sees_all(self) -> bool:
        return policy().scope(self.actor, "desk.case:view") is Scope.ALL

    @cached_property
    def used(self) -> list[str]:
        """The keys of the filters that narrow the list."""
        return [f.key for f in self.filters if any(v.strip() for v in self.query.getlist(f.key))]

    @cached_property
    def rows(self) -> models.QuerySet[Case]:
        """Every row asked for, in no order; the words are not yet applied."""
        return self._narrowed(self.view.where(self.actor, self.now))

    def _narrowed(self, where: Q) -> models.QuerySet[Case]:
        rows = ledger.visible(self.actor).filter(where)
        if self.sort == "closed":
            rows = rows.filter(closed_at__isnull=False)
        for f in self.filters:
            if f.key in self.used:
                rows = f.apply(rows, self.query.getlist(f.key), self.actor)
        return rows

    @cached_property
    def facets(self) -> list[list[int]]:
        """What the filters and the actor's scope mean for the search's index."""
        systems = System.objects.filter(code__in=self.query.getlist("system")) if "system" in self.used else []
        chosen = [
            [facets.system(s.pk) for s in systems],
            [facets.kind(k) for k in self.query.getlist("kind")] if self._known("kind") else [],
            [facets.department(int(d)) for d in self.query.getlist("department")] if self._known("department") else [],
        ]
        return [c for c in chosen if c] + ledger.scope_facets(self.actor)

    @cached_property
    def many(self) -> bool:
        """Whether several filters are known to leave more cases than are counted."""
        return self.found is self.rows and self._together

    @property
    def _together(self) -> bool:
        return self.view.key == "all" and len(self._asked) > 1

    @cached_property
    def found(self) -> models.QuerySet[Case]:
        """The rows. Where several filters leave few of them, by their ids: whatever the order is, it sorts only those."""
        rows = self.rows
        if self._together:
            found = ledger.having_all(rows, self._asked, CAP)
            if found is not None:
                return rows.filter(pk__in=found)
        return rows

    @cached_property
    def listed(self) -> models.QuerySet[Case]:
        """What `page` takes: found, in the words that its order is quickest with."""
        if self.words:
            return self.rows
        if self.sort != "due":
            return self.found
        if self.found is not self.rows:
            return self.found.filter(timing__isnull=False)
        return self._narrowed(self.view.by_clock(self.actor, self.now))

    @cached_property
    def _asked(self) -> list[list[str]]:
        """What the filters mean for Case.known."""
        of = {"state": "category", "late": "ever_late"}
        out = []
        for key in ("system", "kind", "severity", "department", "assignee", "party", "state", "channel", "late"):
            if key in self.used and (key == "late" or self._known(key)):
                letter = KNOWN_AS[of.get(key, key)]
                out.append([f"{letter}{value}" for value in self._values(key)])
        return out

    def _values(self, key: str) -> list[str]:
        """The filter's values as the column has them."""
        values = self.query.getlist(key)
        if key == "system":
            return [str(pk) for pk in System.objects.filter(code__in=values).values_list("pk", flat=True)]
        if key == "assignee":
            return [{"me": str(self.actor.id), "none": ""}.get(v, v) for v in values]
        if key == "late":
            return ["true" if next(v for v in values if v.strip()).strip() == "1" else "false"]
        return values

    def _known(self, key: str) -> bool:
        """Whether the filter narrows the list by just the values of the address: none is unknown, and ignored."""
        found = next((f for f in self.filters if f.key == key), None)
        values = self.query.getlist(key)
        return found is not None and bool(values) and {k for k, _ in found.options(self.actor)}.issuperset(values)

    def page(
        self, rows: models.QuerySet[Case], *, after: str = "", before: str = "", size: int = 50, count: int = 0
    ) -> Any:
        """count: how many hits of the words are counted at most."""
        if self.words:
            few = self.view.key != "all"  # the other views are of open cases
            return ledger.search_page(
                rows, self.words, facets=self.facets, after=after, before=before, size=size, count=count, few=few
            )
        return keyset.page(rows, self.order, after=after, before=before, size=size)

    def neighbours(self, case: Case) -> Neighbours:
        """The cases before and after this one in the list. place is 0 where it is not in it, or far behind."""
        rows = self.listed.only("number", *(o.lstrip("-") for o in self.order))
        if self.sort == "due":
            rows = rows.select_related("timing")
        cursor = keyset.cursor_of(("-id",) if self.words else self.order, case)
        after = self.page(rows, after=cursor, size=1).rows
        before = self.page(rows, before=cursor, size=1).rows
        if self.words:
            return Neighbours(_first(before), _first(after), 0, "")
        rows, ahead = self.found.order_by(), keyset.before(self.order, case)
        n = capped_counts({"here": rows.filter(pk=case.pk), "ahead": rows.filter(ahead), "all": rows})
        place = n["ahead"] + 1 if n["here"] and n["ahead"] <= CAP else 0
        return Neighbours(_first(before), _first(after), place, count_text(n["all"]))

    def with_(self, **changes: str | None) -> str:
        """This address with something else in it; None takes a key away."""
        query = self.query.copy()
        for key in ("after", "before", "format"):
            query.pop(key, None)
        for key, value in changes.items():
            query.pop(key, None)
            if value:
                query[key] = value
        return f"?{query.urlencode()}"

    @property
    def kept(self) -> str:
        """What of the address makes the list, for the case pages opened from it and for saved views."""
        query = self.query.copy()
        for key in ("after", "before", "format"):
            query.pop(key, None)
        return query.urlencode()

    @property
    def people(self) -> list[tuple[str, str]]:
        """Those to whom a case can be given: (key, name)."""
        return self._options["assignee"][2:]

    @property
    def filter_only(self) -> str:
        """The list without the words that were typed: they may name a patient, and the journal keeps for ever."""
        query = self.query.copy()
        for key in ("after", "before", "format", "q"):
            query.pop(key, None)
        return query.urlencode()

    @cached_property
    def _options(self) -> Mapping[str, list[tuple[str, str]]]:
        """Systems, departments and people in one query."""
        systems = System.objects.values_list(Value("system"), F("code"), F("short_name"), F("order"))
        departments = Department.objects.filter(active=True).values_list(
            Value("department"), Cast("pk", models.TextField()), F("name"), Value(0)
        )
        people = workers().values_list(Value("assignee"), Cast("pk", models.TextField()), _called(), Value(0))
        out: dict[str, list[tuple[str, str]]] = {
            "system": [],
            "department": [],
            "assignee": [("me", "我"), ("none", "未指派")],
        }
        found = systems.order_by().union(departments.order_by(), people.order_by(), all=True)
        for what, key, label, _ in sorted(found, key=lambda r: (r[0], r[3], r[1])):
            out[what].append((key, label))
        return out


def _called() -> Any:
    """How a person is called: 王工, or the name where no short one is known."""
    return models.Case(models.When(short_name="", then=F("name")), default=F("short_name"))


def _first(rows: list[Case]) -> Case | None:
    return rows[0] if rows else None


def _filters(options: Any, *, everyone: bool) -> tuple[Filter, ...]:
    def choices(key: str) -> Any:
        return lambda actor: options(key)

    department = Filter("department", "科室", _ids("department_id"), "building-hospital", choices=choices("department"))
    return (
        Filter("system", "系统", _systems, "server-2", choices=choices("system")),
        Filter("kind", "类别", "kind", "category", choices=lambda actor: kind_choices()),
        Filter(
            "severity", "级别", "severity", "alert-triangle",
            choices=(("1", "一级"), ("2", "二级"), ("3", "三级"), ("0", "不定级")),
        ),
        *((department,) if everyone else ()),
        Filter("assignee", "办理人", _assignee, "user", choices=choices("assignee")),
        Filter("party", "归属", "party", "gavel", choices=Case.Party.choices),
        Filter("state", "状态", "category", "progress", choices=CATEGORIES),
        Filter("channel", "渠道", "channel", "device-mobile", choices=Case.Channel.choices),
        Filter("late", "曾超时", "ever_late", "alarm", kind="bool"),
        Filter("from", "受理自", _since, "calendar", kind="date"),
        Filter("to", "受理至", _until, "calendar", kind="date"),
        Filter("tag", "标签", lambda values, actor: Q(tags__contains=[values[0][:20]]), "tag", kind="text"),
    )  # fmt: skip


def _systems(values: list[str], actor: Actor) -> Q:
    """By id, not by the joined code: PostgreSQL knows how many cases a system has, and by which channels they come."""
    return Q(system_id__in=list(System.objects.filter(code__in=values).values_list("pk", flat=True)))


def _ids(path: str) -> Any:
    return lambda values, actor: Q(**{f"{path}__in": [int(v) for v in values]})


def _assignee(values: list[str], actor: Actor) -> Q:
    wanted = Q(assignee_id__in=[int(v) for v in values if v.isdigit()])
    if "me" in values:
        wanted |= Q(assignee_id=actor.id)
    if "none" in values:
        wanted |= Q(assignee=None)
    return wanted


def _since(values: list[str], actor: Actor) -> Q:
    day = _day(values[0])
    return Q(opened_at__gte=day) if day else Q()


def _until(values: list[str], actor: Actor) -> Q:
    day = _day(values[0])
    return Q(opened_at__lt=day + dt.timedelta(days=1)) if day else Q()


def _day(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(unicodedata.normalize("NFKC", text)[:10], "%Y-%m-%d").replace(tzinfo=CHINA)
    except ValueError:
        return None
