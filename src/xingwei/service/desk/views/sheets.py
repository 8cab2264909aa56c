"""What can be done with a case, as sheets that open in its page: the moves of the workflow, then the other acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse

from xingwei.base.accounts import queries as accounts
from xingwei.base.accounts.models import User
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import facts_of as policy_facts
from xingwei.base.policy.registry import policy

from ..engine.workflow import GUARDS, Move
from ..forms import acts as forms_of
from ..forms.moves import MoveForm
from ..models import Case
from ..services.base import Refused
from ..workflow import facts_of, kind_of, mover, workflow

WORKERS = ("service_manager", "onsite_engineer", "vendor_support", "rnd", "it_staff", "it_head")
# Which move stops which clock: the clock that is due next says which button is the first one.
_ANSWERS_CLOCK = {
    "response": ("respond", "start", "answer"),
    "arrival": ("arrive",),
    "bulletin": ("bulletin",),
    "answer": ("accept", "answer", "assess", "plan", "approve"),
    "delivery": ("deliver",),
    "progress": ("report",),
    "consent": ("consent",),
    "agreed": ("resolve", "finish", "finish_answered", "deliver"),
    "remove": ("finish",),
    "confirm": ("confirm",),
}
_BESIDE = frozenset({"agreed", "bulletin", "restored", "paused", "reopened"})
_KEYS = {"resolve": "e", "finish": "e", "finish_answered": "e", "deliver": "e", "bulletin": "b"}


@dataclass(slots=True)
class Sheet:
    """One form. move: made by the workflow. blocked: why it cannot be sent now; it is shown all the same."""

    key: str
    label: str
    icon: str
    url: str
    form: forms.Form
    hint: str = ""
    shortcut: str = ""
    blocked: str = ""
    move: bool = False
    primary: bool = False
    danger: bool = False

    @property
    def id(self) -> str:
        return f"sheet-{self.key}"


def can(actor: Actor, permission: str, case: Case) -> bool:
    return policy().may(actor, permission, policy_facts(case))


def workers() -> QuerySet[User]:
    """Those to whom a case can be given."""
    return accounts.people_with_role(*WORKERS).order_by("-organisation__side", "username")


def move_sheets(actor: Actor, case: Case) -> list[Sheet]:
    """The moves that this person has now, the one that the next clock asks for first."""
    if case.merged_into_id or not can(actor, "desk.case:move", case):
        return []
    facts = facts_of(case)
    offered = workflow().moves_for(facts, mover(actor, case))
    offered = [m for m in offered if "by_agreement" in facts.facts or "by_agreement" not in m.guards]
    return [
        Sheet(
            move.key,
            move.label,
            move.icon,
            reverse("desk:move", args=[case.number, move.key]),
            MoveForm(move, case),
            shortcut=_KEYS.get(move.key, ""),
            blocked=next((GUARDS[g] for g in move.guards if g not in facts.facts), ""),
            move=True,
            primary=leads_on(case, move),
            danger=move.key in {"roll_back"},
        )
        for move in sorted(offered, key=lambda m: by_clock(case, m))
    ]


_ASIDE = 80


def by_clock(case: Case, move: Move) -> int:
    """Sort key of moves: what the next clock asks for first, what leads on next, what happens beside it last."""
    wanted = _ANSWERS_CLOCK.get(case.next_due_clock, ())
    if move.key in wanted:
        return wanted.index(move.key)
    if move.event == "arrived" and case.arrived_at:
        return _ASIDE + 10
    if move.event in _BESIDE:
        return _ASIDE
    return 50


def leads_on(case: Case, move: Move) -> bool:
    """Whether the move is what the case asks for, not merely something that may be done with it."""
    return by_clock(case, move) < _ASIDE


def move_of(case: Case, key: str) -> Move:
    """The move of the case's kind by its key. Raises Refused for one that the kind does not have."""
    move = kind_of(case).moves.get(key)
    if move is None:
        raise Refused(f"{kind_of(case).label}没有这一步，请刷新页面。")
    return move


@dataclass(frozen=True, slots=True)
class _Act:
    key: str
    label: str
    icon: str
    permission: str
    hint: str = ""
    shortcut: str = ""
    open_only: bool = True


_ACTS = (
    _Act("assign", "转派", "user-share", "desk.case:assign", "对方会收到通知", "a"),
    _Act("grade", "改级别", "alert-triangle", "desk.case:grade", "级别决定到场时限（条款 9.2b），改动记入经过", "l"),
    _Act("ask-third", "告知第三方", "building-broadcast-tower", "desk.case:ask_third", "对方联系人从此能看这一件（条款 1.9b）"),
    _Act("coordinate", "三方协商", "users-group", "desk.case:coordinate", "开过以后记录（条款 1.9b）", open_only=False),
    _Act("feedback", "出具书面反馈", "file-certificate", "desk.feedback:issue", "未查明或未彻底解决时出具（条款 9.7）", open_only=False),
    _Act("merge", "并入另一件", "git-merge", "desk.case:merge", "这一件关闭，经过保留，两边的人都会知道", "m"),
    _Act("split", "拆出一件", "git-branch", "desk.case:merge", "同类别、同科室，互相关联"),
    _Act("link", "关联", "link", "desk.case:edit", open_only=False),
    _Act("tag", "加标签", "tag", "desk.case:edit", open_only=False),
    _Act("rate", "评价", "star", "desk.case:rate", open_only=False),
)  # fmt: skip


def act_sheets(actor: Actor, case: Case) -> list[Sheet]:
    """The other acts that this person may do with the case as it is."""
    if case.merged_into_id:
        return []
    sheets = []
    for act in _ACTS:
        if not can(actor, act.permission, case) or (act.open_only and case.category == "closed"):
            continue
        if (act.key == "grade" and not kind_of(case).graded) or (act.key == "rate" and not _rated_by(actor, case)):
            continue
        url = reverse("desk:act", args=[case.number, act.key])
        form = form_for(act.key, case)
        sheets.append(Sheet(act.key, act.label, act.icon, url, form, act.hint, act.shortcut))
    return sheets


def form_for(key: str, case: Case, *data: Any) -> forms.Form:
    """The form of an act, filled with what was sent, or with what is usual."""
    where: dict[str, Any] = {"auto_id": f"{key.replace('-', '_')}_%s", "initial": _usual(key, case)}
    if key == "assign":
        return forms_of.AssignForm(*data, people=workers(), **where)
    if key == "ask-third":
        return forms_of.AskForm(*data, people=accounts.people_with_role("third_party"), **where)
    if key == "grade":
        return forms_of.GradeForm(*data, **where)
    plain = {
        "merge": forms_of.MergeForm,
        "split": forms_of.SplitForm,
        "link": forms_of.LinkForm,
        "tag": forms_of.TagsForm,
        "rate": forms_of.RateForm,
        "coordinate": forms_of.CoordinationForm,
        "feedback": forms_of.FeedbackForm,
    }
    return plain[key](*data, **where)


def _usual(key: str, case: Case) -> dict[str, Any]:
    """What a form shows before anybody typed."""
    if key == "assign":
        return {"version": case.version, "assignee": case.assignee_id}
    if key == "grade":
        return {"version": case.version, "severity": str(case.severity)}
    return {"found": case.cause} if key == "feedback" else {}


def _rated_by(actor: Actor, case: Case) -> bool:
    mine = case.reporter_id == actor.id or case.department_id in actor.departments
    return mine and case.category in {"resolved", "answered", "closed"}
