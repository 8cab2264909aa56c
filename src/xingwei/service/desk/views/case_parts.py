"""The parts of a case's page: clocks as blocks, facts, consents, papers, links, further ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from xingwei.base.accounts.models import Organisation
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui import words

from ..models import Case, CaseEvent, CaseLink
from ..queries import clocks as clock_queries
from ..queries import ledger
from ..queries.clocks import ClockView
from ..workflow import kind_of, state_of
from .rows import CHANNEL_ICONS

ICONS = {
    "ok": "clock",
    "soon": "clock-exclamation",
    "late": "alarm",
    "pause": "player-pause",
    "done": "circle-check",
    "unknown": "help-circle",
}
MOST_BLOCKS = 5


@dataclass(frozen=True, slots=True)
class Block:
    """A clock as a block: big number, small words, bar, the deadline below. tick: counts down in the browser."""

    state: str
    icon: str
    what: str
    big: str
    small: str
    share: int
    due: str
    tick: str = ""
    why: str = ""


_STOPS = {"response": "responded", "arrival": "arrived", "bulletin": "bulletin"}


def clocks_of(cases: Sequence[Case]) -> dict[int, list[Block]]:
    """By case: the last run of each clock, and how long business was affected by a fault of level 1 or 2."""
    done = CaseEvent.objects.filter(case__in=cases, type__in=_STOPS.values()).select_related("actor").order_by("-at")
    who: dict[int, dict[str, str]] = {}
    for e in done:  # the first of each: who answered, who came
        who.setdefault(e.case_id, {})[e.type] = str(e.actor or e.actor_name)
    return {case.pk: _clocks(case, who.get(case.pk, {})) for case in cases}


def _clocks(case: Case, who: Mapping[str, str]) -> list[Block]:
    now = timezone.now()
    shown = [
        _block(c, case, now, who.get(_STOPS.get(c.key, ""), ""))
        for c in clock_queries.current(case, now)
        if case.category != "closed" or c.state == "done"
    ]
    span = clock_queries.outage(case, now)
    if span is not None:
        shown.append(_outage(case, span))
    return shown[:MOST_BLOCKS]


def _outage(case: Case, span: dt.timedelta) -> Block:
    over = bool(case.restored_at or case.resolved_at or case.closed_at)
    big, small = _split(words.duration(span))
    party = f"归属{case.get_party_display()}" if case.party != Case.Party.UNKNOWN else "归属未判定"
    due = f"{_stamp(case.opened_at)} 起，{party}"
    return Block("done" if over else "late", "activity", "业务影响", big, small, 0, due)


def _block(clock: ClockView, case: Case, now: dt.datetime, who: str) -> Block:
    level = f"{'一二三'[case.severity - 1]}级，" if clock.key == "arrival" and case.severity else ""
    what = f"{clock.label}（{level}{_allowed(clock)}）" if clock.due_at else clock.label
    state = "late" if clock.state == "done" and clock.missed else clock.state
    icon = ICONS[state]
    if clock.state == "done" and clock.stopped_at:
        big, small = _split(clock.remaining)
        small = f"{small}，{'超时' if clock.missed else '达标'}"
        return Block(
            state, icon, what, big, small, clock.share, f"{_stamp(clock.stopped_at)} {who or '完成'}", why=clock.note
        )
    if clock.state == "pause":
        whom, _, left = clock.remaining.partition("，")
        return Block(state, icon, what, whom, "", clock.share, left or "时钟暂停", why=clock.note)
    big, small = _split(clock.remaining)
    tick = ""
    if clock.due_at and abs(clock.due_at - now) < dt.timedelta(hours=1):
        tick, big, small = clock.due_at.isoformat(), f"{big} {small}".strip(), ""
    if not clock.remaining.startswith("超"):
        small = f"{small} 剩余".strip()
    due = f"最迟 {_stamp(clock.due_at)}" if clock.due_at else clock.note
    return Block(state, icon, what, big, small, clock.share, due, tick, clock.note)


def _allowed(clock: ClockView) -> str:
    """How long it may take, in words: 30 分内, 3 时内; workdays as the day itself."""
    assert clock.due_at is not None
    span = clock.due_at - clock.started_at
    return f"{words.duration(span)}内" if span < dt.timedelta(hours=12) else f"{_stamp(clock.due_at)} 前"


def _split(text: str) -> tuple[str, str]:
    """ "超 2 时 09 分" → ("超 2", "时 09 分"): the figure large, its unit small."""
    head, _, rest = text.partition(" ")
    if not head.isdigit() and rest[:1].isdigit():
        figure, _, rest = rest.partition(" ")
        head = f"{head} {figure}"
    return head, rest


def _stamp(at: dt.datetime) -> str:
    local, today = timezone.localtime(at), timezone.localdate()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local.month} 月 {local.day} 日 {local:%H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    url: str = ""
    icon: str = ""
    avatar: str = ""


def facts(case: Case) -> list[Fact]:
    """What stands at the side. Only what is known, except who reported it and who works on it."""
    found = [
        Fact("反映人", case.reporter_name or "没有记", f"tel:{case.phone}" if case.phone else "", "phone" if case.phone else ""),
        Fact("办理人", str(case.assignee or "未指派"), avatar=case.assignee.organisation.side if case.assignee else "none"),
        Fact("系统", _joined(case.system, case.subsystem), _url("estate:system", case.system.code) if case.system else ""),
        Fact("业务功能", str(case.function or "")),
        Fact("接口", str(case.interface or "")),
        Fact("科室", _department(case)),
        Fact("归属", _party(case)),
        *_clauses(case),
        Fact("登记", _joined(case.registered_by or "系统", _stamp(case.opened_at))),
        Fact("响应", _stamp(case.responded_at) if case.responded_at else ""),
        Fact("到场", _stamp(case.arrived_at) if case.arrived_at else ""),
        Fact("解决", _stamp(case.resolved_at) if case.resolved_at else ""),
        Fact("办结", _stamp(case.closed_at) if case.closed_at else ""),
        Fact("满意度", f"{case.satisfaction} 分 {case.satisfaction_note}".strip() if case.satisfaction else ""),
        Fact("时限依据", _joined(*_versions(case))),
    ]  # fmt: skip
    return [f for f in found if f.value]


def _versions(case: Case) -> list[str]:
    found = (("合同", case.timing.policy_version), ("日历", case.timing.calendar_version))
    return [f"{what} {version}" for what, version in found if version]


def _joined(*parts: Any) -> str:
    return "，".join(str(p) for p in parts if p)


def _clauses(case: Case) -> list[Fact]:
    """The contract's clauses that name this interface, subsystem or system: the most particular one."""
    for part in (case.interface, case.subsystem, case.system):
        number = getattr(part, "clause", "")
        if part is not None and number[:1].isdigit():
            return [Fact("合同条款", f"{number} {part.name}", _url("contract:clause", number))]
        if number:  # a chapter, in the contract's own words
            return [Fact("合同章节", number)]
    return []


def _department(case: Case) -> str:
    return _joined(case.department.name, case.department.location) if case.department else ""


def _party(case: Case) -> str:
    organisation = case.party_organisation.short_name if case.party_organisation else ""
    return _joined(case.get_party_display() if case.party != Case.Party.UNKNOWN else "", organisation)


def _url(name: str, *args: Any) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, slots=True)
class Consent:
    """One side's consent to a plan or to handing a defect to R&D: given, or still missing."""

    side: str
    given: bool
    detail: str


_SUBJECTS = {"defect": ("rd", "同意转研发", "1.5"), "change": ("plan", "认可方案", "1.4")}


def consents(case: Case) -> dict[str, Any] | None:
    if case.kind not in _SUBJECTS or state_of(case).category in {"new", "answered"}:
        return None
    subject, what, clause = _SUBJECTS[case.kind]
    given = {a.side: a for a in case.agreements.select_related("person") if a.subject == subject}
    sides = []
    for side, label in Organisation.Side.choices[:2]:
        a = given.get(side)
        detail = f"{a.person} {_stamp(a.at)}{'，' + a.note if a.note else ''}" if a else "还没有同意"
        sides.append(Consent(str(label), a is not None, detail))
    return {"what": what, "clause": clause, "sides": sides}


@dataclass(frozen=True, slots=True)
class Link:
    id: int
    case: Case
    kind: str
    state: Any
    mine: bool


_OUT: dict[str, str] = {CaseLink.Kind.CHILD: "拆出", CaseLink.Kind.DUPLICATE: "重复，并入"}
_BACK: dict[str, str] = {CaseLink.Kind.CHILD: "拆自", CaseLink.Kind.DUPLICATE: "并入此件"}


def links(actor: Actor, case: Case) -> list[Link]:
    """Linked cases that the actor may see, both ways."""
    seen = ledger.visible(actor)
    out = case.links_out.filter(target__in=seen).select_related("target")[:20]
    back = case.links_in.filter(source__in=seen).select_related("source")[:20]
    return [
        *(Link(x.pk, x.target, _OUT.get(x.kind, x.get_kind_display()), state_of(x.target), True) for x in out),
        *(Link(x.pk, x.source, _BACK.get(x.kind, x.get_kind_display()), state_of(x.source), False) for x in back),
    ]


def sections(actor: Actor, case: Case, request: HttpRequest) -> dict[str, Any]:
    """Everything that is read for the page beside timeline and forms."""
    return {
        "mark": state_of(case),
        "kind": kind_of(case),
        "graded": kind_of(case).graded,
        "channel_icon": CHANNEL_ICONS.get(case.channel, "inbox"),
        "facts": facts(case),
        "answers": list(case.answers.select_related("by")),
        "consents": consents(case),
        "rd": list(case.rd_progress.select_related("by")) if case.kind in {"defect", "requirement"} else [],
        "papers": list(case.feedback.select_related("signed_by", "received_by")),
        "coordinations": list(case.coordinations.select_related("recorded_by")),
        "links": links(actor, case),
        "needs_paper": case.half_solved and not case.merged_into_id,
        "may_receive": may(actor, "desk.feedback:receive"),
        "history_url": f"{reverse('accounts:journal')}?target=desk.case:{case.pk}"
        if may(actor, "accounts.journal:view")
        else "",
    }
