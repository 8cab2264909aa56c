"""The desk's cards of the home page: what is wrong, what is late, what is next, and how the last month went."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper, F, Max, Min, Q, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.estate.models import System
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui import words
from xingwei.base.ui.registry import Stat

from ..models import Case
from ..queries import clocks, ledger
from ..queries.counts import capped_counts, count_text
from .case_parts import Block, clocks_of
from .rows import HEAVY, RELATED, rows

ROWS = 6
DAYS = 30
_RUNNING = ("new", "open", "waiting")


def stats(actor: Actor) -> list[Stat]:
    """The line under the title: open, late, due within the hour."""
    if not may(actor, "desk.case:view"):
        return []
    now = timezone.now()
    hour = now + dt.timedelta(hours=1)
    n = ledger.counts(
        actor,
        {
            "open": ~Q(category="closed"),
            "late": Q(timing__next_due_at__lt=now),
            "soon": Q(timing__next_due_at__gte=now, timing__next_due_at__lte=hour),
        },
    )
    url = reverse("desk:ledger")
    found = [Stat("未办结", count_text(n["open"]), url, "inbox")]
    if n["late"]:
        found.append(Stat("已超时", count_text(n["late"]), f"{url}?view=due", "alarm", "late"))
    if n["soon"]:
        found.append(Stat("1 小时内到点", count_text(n["soon"]), f"{url}?view=due", "clock-exclamation", "warn"))
    return found


def alarms(request: HttpRequest) -> dict[str, Any] | None:
    """Faults of level 1 and 2 that still go on, worst first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    now = timezone.now()
    # told by the index of open cases alone; few are left to be looked at
    grave = Case.objects.exclude(category="closed").filter(kind="incident", severity__in=(1, 2), category__in=_RUNNING)
    seen = ledger.visible(actor).filter(pk__in=grave.values("pk"), restored_at=None)
    found = list(seen.select_related(*RELATED).order_by("severity", "opened_at")[:3])
    shown = []
    blocks = clocks_of(found)
    for case in found:
        span = clocks.outage(case, now)
        party = f"；判定：{case.get_party_display()}" if case.party != Case.Party.UNKNOWN else ""
        line = (
            f"{case.where}，{timezone.localtime(case.opened_at):%H:%M} 起 {words.duration(span) if span else ''}{party}"
        )
        marks: list[Block] = [b for b in blocks[case.pk] if b.what != "业务影响"]
        url = case.get_absolute_url()
        told = may(actor, "desk.case:coordinate") and case.responded_at is not None
        shown.append(
            {
                "case": case,
                "line": line,
                "marks": [
                    {"state": m.state, "what": m.what.partition("（")[0], "remains": f"{m.big} {m.small}".strip()}
                    for m in marks
                ],
                "bulletin_url": f"{url}?open=bulletin#sheet-bulletin" if told else "",
                "respond_url": f"{url}?open=respond#sheet-respond" if not case.responded_at and actor.side == "vendor" else "",
            }
        )  # fmt: skip
    return {"alarms": shown} if shown else None


def clock_card(request: HttpRequest) -> dict[str, Any] | None:
    """Whatever is due first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    running = ledger.visible(actor).exclude(category="closed")
    wanted = running.filter(timing__clock_state="running").select_related(*RELATED).defer(*HEAVY)
    counted = capped_counts({"open": running})
    return {"rows": rows(ledger.first_due(wanted, ROWS)), "open_count": count_text(counted["open"])}


def system_card(request: HttpRequest) -> dict[str, Any] | None:
    """Every system with what is open on it and when faults came in the last month. No probes yet: no 'healthy' here."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    today = timezone.localdate()
    seen = ledger.visible(actor).filter(system__isnull=False)
    opened = {
        r["system"]: r
        for r in seen.exclude(category="closed")
        .values("system")
        .annotate(
            n=Count("pk"),
            worst=Min("severity", filter=Q(kind="incident", severity__gt=0)),
            last=Max("pk", filter=Q(kind="incident")),
        )
        .order_by()
    }
    days: dict[int, dict[dt.date, tuple[int, int]]] = {}
    for r in _came(request):
        if r["fault"] and r["system"] is not None:
            days.setdefault(r["system"], {})[r["day"]] = (r["n"], r["worst"])
    newest = [r["last"] for r in opened.values() if r["last"]]
    last = Case.objects.only("title", "number", "opened_at").in_bulk(newest)
    systems = [_system(s, opened.get(s.pk), days.get(s.pk, {}), last, today) for s in System.objects.all()]
    systems.sort(key=lambda s: (s["worst"] or 9, -s["open"]))
    return {"systems": systems} if systems else None


def _system(
    system: System, opened: Any, days: dict[dt.date, tuple[int, int]], last: Any, today: dt.date
) -> dict[str, Any]:
    case = last.get(opened["last"]) if opened else None
    strip = []
    for back in range(DAYS - 1, -1, -1):
        day = today - dt.timedelta(days=back)
        n, worst = days.get(day, (0, 3))
        mark = "" if not n else "l" if worst in {1, 2} else "w"
        strip.append({"mark": mark, "title": f"{day.month}-{day.day} {f'{n} 件故障' if n else '没有故障'}"})
    total = sum(n for n, _ in days.values())
    return {
        "name": system.short_name,
        "url": f"{reverse('desk:ledger')}?system={system.code}",
        "open": opened["n"] if opened else 0,
        "worst": opened["worst"] if opened else None,
        "strip": strip,
        "strip_label": f"近 {DAYS} 日 {total} 件故障，{len(days)} 天有故障",
        "total": total,
        "last": case,
    }


def flow_card(request: HttpRequest) -> dict[str, Any] | None:
    """Cases that came and went, day by day."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    today = timezone.localdate()
    came: Counter[dt.date] = Counter()
    answered, waited = 0, dt.timedelta()
    for r in _came(request):
        came[r["day"]] += r["n"]
        if r["fault"]:
            answered += r["answered"]
            waited += r["waited"] or dt.timedelta()
    closed = ledger.visible(actor).filter(closed_at__gte=_first_day()).annotate(day=TruncDate("closed_at"))
    went = dict(closed.order_by().values_list("day").annotate(n=Count("pk")))
    days = [today - dt.timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    came_on, went_on = ([of.get(d, 0) for d in days] for of in (came, went))
    return {
        "accepted": sum(came.values()),
        "closed": sum(went.values()),
        "response": words.duration(waited / answered) if answered else "",
        "option": _chart([f"{d.month}-{d.day}" for d in days], came_on, went_on),
    }


def _first_day() -> dt.datetime:
    """When the first of the days shown began."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=DAYS - 1)


def _came(request: HttpRequest) -> list[dict[str, Any]]:
    """What came in on the days shown: by day, system, and whether it is a fault. Two cards of one page read it."""
    found: list[dict[str, Any]] | None = getattr(request, "_desk_came", None)
    if found is None:
        seen = ledger.visible(request.actor).filter(opened_at__gte=_first_day())  # type: ignore[attr-defined]
        answered = Q(responded_at__isnull=False)
        counted: Any = (
            seen.annotate(day=TruncDate("opened_at"), fault=ExpressionWrapper(Q(kind="incident"), BooleanField()))
            .order_by()
            .values("day", "system", "fault")
            .annotate(
                n=Count("pk"),
                worst=Min("severity"),
                answered=Count("pk", filter=answered),
                waited=Sum(F("responded_at") - F("opened_at"), filter=answered),
            )
        )
        found = list(counted)
        request._desk_came = found  # type: ignore[attr-defined]
    return found


def _chart(days: list[str], came: list[int], went: list[int]) -> dict[str, Any]:
    label = {"color": "--xw-ink-3", "fontSize": 12}
    return {
        "color": ["--xw-c1", "--xw-c5"],
        "grid": {"left": 28, "right": 4, "top": 28, "bottom": 22},
        "legend": {"top": 0, "right": 0, "itemWidth": 10, "itemHeight": 10, "textStyle": {"color": "--xw-ink-2", "fontSize": 12}},
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "category", "data": days, "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": "--xw-line-2"}}, "axisLabel": {**label, "interval": 6},
        },
        "yAxis": {
            "type": "value", "splitNumber": 3, "minInterval": 1, "axisLabel": label,
            "splitLine": {"lineStyle": {"color": "--xw-line"}},
        },
        "series": [
            {"name": "受理", "type": "bar", "data": came, "barWidth": "45%", "itemStyle": {"borderRadius": [2, 2, 0, 0]}},
            {"name": "办结", "type": "line", "data": went, "symbol": "none", "lineStyle": {"width": 2}},
        ],
    }  # fmt: skip
