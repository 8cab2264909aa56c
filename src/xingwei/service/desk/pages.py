"""What the desk shows on pages of all rooms: navigation, top bar, home page, search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Count, HomeCard, NavItem, Panel, SearchHit, registry

from .models import Case
from .queries import ledger
from .queries.counts import capped_counts, count_text
from .views import home, neighbours, next_steps
from .views.common import is_portal_person
from .views.rows import HEAVY, RELATED, rows
from .workflow import state_of

HITS = 8
_DESK = frozenset({"service_manager", "onsite_engineer", "vendor_support", "it_staff", "it_head"})


def open_count(actor: Actor) -> Count | None:
    """Open cases beside the entry; hot while one is late."""
    n = ledger.counts(actor, {"open": ~Q(category="closed"), "late": Q(timing__next_due_at__lt=timezone.now())})
    late = n["late"]
    return (
        Count(count_text(n["open"]), bool(late), f"{count_text(late)} 件已超时" if late else "") if n["open"] else None
    )


def portal(actor: Actor) -> str | None:
    """Who only reports lands on the phone pages: on what is open, or where one reports."""
    if not is_portal_person(actor):
        return None
    mine = Case.objects.filter(reporter_id=actor.id).exclude(category="closed")
    return reverse("desk:portal-mine" if mine.exists() else "desk:portal-report")


def entry_button(request: HttpRequest) -> str:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return render_to_string("desk/parts/entry_button.html") if may(actor, "desk.case:register") else ""


def report_button(request: HttpRequest, _: Any) -> dict[str, Any] | None:
    """Whoever does not answer the service number reports like everybody else."""
    return None if may(request.actor, "desk.case:register") else {}  # type: ignore[attr-defined]


def find_cases(actor: Actor, text: str) -> Iterable[SearchHit]:
    """The case of that number, then the newest whose words hold."""
    if not may(actor, "desk.case:view"):
        return
    if (case := ledger.by_number(actor, text)) is not None:
        yield _hit(case)
    seen = ledger.visible(actor).select_related("system", "department")
    for found in ledger.search_page(seen, text, facets=ledger.scope_facets(actor), size=HITS).rows:
        yield _hit(found)


def _hit(case: Case) -> SearchHit:
    detail = "，".join(str(p) for p in (case.number, case.system or "", case.where, state_of(case).label) if p)
    return SearchHit("问题", case.title, case.get_absolute_url(), detail, "list-details")


def list_card(title: str, note: str, empty: str, query: str, where: Callable[[Actor], Q]) -> Any:
    """A card with the first cases of a list, the clock deciding, and the way to the whole list."""

    def context(request: HttpRequest) -> dict[str, Any]:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        found = ledger.visible(actor).exclude(category="closed").filter(where(actor))
        shown = ledger.first_due(found.select_related(*RELATED).defer(*HEAVY), 6)
        return {
            "title": title,
            "note": note,
            "empty": empty,
            "url": f"{reverse('desk:ledger')}?{query}",
            "rows": rows(shown),
            "count": count_text(capped_counts({"n": found})["n"]),
        }

    return context


registry.nav.append(NavItem("服务", 10, "台账", "list-details", "desk:ledger", "desk.case:view", open_count))
registry.nav.append(NavItem("服务", 25, "来电", "phone-incoming", "desk:calls", "desk.call:view"))
registry.topbar.append(entry_button)
registry.landing.append(portal)
registry.search.append(find_cases)
registry.home_stats.append(home.stats)
registry.panels.append(Panel("home-acts", 10, "desk.case:create", "desk/parts/report_button.html", report_button))
registry.panels.append(
    Panel("home-top", 10, "desk.case:view", "desk/cards/alarm.html", lambda request, _: home.alarms(request))
)
registry.panels += [
    Panel("system-side", 10, "desk.case:view", "desk/cards/of_system.html", neighbours.cases_of_system),
    Panel("calendar-preview", 10, "calendar.version:publish", "desk/cards/moved.html", neighbours.moved_deadlines),
]
registry.home_cards += [
    HomeCard(10, "desk.case:move", "desk/cards/next.html", next_steps.card),
    HomeCard(20, "desk.case:view", "desk/cards/clocks.html", home.clock_card, wide=True, roles=_DESK),
    HomeCard(
        22, "desk.case:view", "desk/cards/list.html",
        list_card("需求待答复", "受理与不受理都要书面答复（条款 1.3）", "需求都答复了", "view=unanswered",
                  lambda actor: Q(kind="requirement", category__in=["new", "open", "waiting"]) & ~Q(state="rd")),
        wide=True, roles=frozenset({"service_manager"}),
    ),
    HomeCard(
        22, "desk.case:view", "desk/cards/list.html",
        list_card("缺陷与需求", "已转研发的（条款 1.5）", "没有等研发的", "view=defects", lambda actor: Q(state="rd")),
        wide=True, roles=frozenset({"rnd"}),
    ),
    HomeCard(
        22, "desk.case:view", "desk/cards/list.html",
        list_card("本科室的问题", "没办完的", "本科室没有没办完的问题", "view=open",
                  lambda actor: Q(department__in=actor.departments)),
        wide=True, roles=frozenset({"head_nurse", "department_head", "nursing", "medical_affairs", "insurance_office",
                                    "finance_office"}),
    ),
    HomeCard(
        22, "desk.case:view", "desk/cards/list.html",
        list_card("请您协助的", "运维服务商告知贵方的", "没有请您协助的问题", "view=open", lambda actor: Q()),
        wide=True, roles=frozenset({"third_party"}),
    ),
    HomeCard(
        24, "desk.case:view", "desk/cards/clocks.html", home.clock_card, wide=True,
        roles=frozenset({"nursing", "medical_affairs", "insurance_office", "auditor", "consultant"}),
    ),
    HomeCard(
        30, "desk.case:view", "desk/cards/systems.html", home.system_card, wide=True,
        roles=_DESK | {"nursing", "medical_affairs", "auditor", "rnd", "consultant"},
    ),
    HomeCard(60, "desk.case:view", "desk/cards/flow.html", home.flow_card, wide=True, roles=_DESK | {"auditor"}),
]  # fmt: skip
