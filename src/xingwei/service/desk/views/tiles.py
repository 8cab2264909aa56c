"""A case as its reporter sees it: in plain words, with the four steps that it goes through."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.ui import words

from ..engine.workflow import ASKER, Move
from ..models import Case
from ..workflow import facts_of, kind_of, mover, state_of, workflow
from .rows import clock_of

_ANSWERED = frozenset({"requirement", "defect", "consultation", "complaint"})
_STAGES = {"new": 0, "open": 1, "waiting": 1, "answered": 3, "resolved": 3, "closed": 4}
# category → state, word, icon; the reporter's words, not the desk's
_WORDS = {
    "new": ("unknown", "已收到", "inbox"),
    "open": ("doing", "有人办", "progress"),
    "waiting": ("pause", "在等别人", "hourglass"),
    "answered": ("warn", "请您确认", "hand-finger"),
    "resolved": ("warn", "请您确认", "hand-finger"),
    "closed": ("ok", "办完了", "circle-check"),
}


def asker_moves(case: Case, actor: Actor) -> list[Move]:
    """The moves that a reporter makes: confirm, not yet, object, reopen."""
    if case.merged_into_id:
        return []
    return [m for m in workflow().moves_for(facts_of(case), mover(actor, case)) if ASKER in m.by]


@dataclass(frozen=True, slots=True)
class Tile:
    case: Case
    actor: Actor
    now: dt.datetime

    def __getattr__(self, name: str) -> Any:
        return getattr(self.case, name)

    @property
    def mark(self) -> dict[str, str]:
        kind, word, icon = _WORDS[self.case.category]
        if self.to_be_answered and self.case.category in {"new", "open"}:
            kind, word, icon = "unknown" if self.case.category == "new" else kind, "等答复", "message-question"
        return {"kind": kind, "word": word, "icon": icon}

    @property
    def to_be_answered(self) -> bool:
        return self.case.kind in _ANSWERED

    @property
    def to_confirm(self) -> bool:
        asked = self.case.reporter_id == self.actor.id or self.case.department_id in self.actor.departments
        return self.case.category in {"answered", "resolved"} and asked

    @property
    def steps(self) -> list[dict[str, str]]:
        """已收到 → 有人办 → 已处理 → 您确认; mark: d done, n now, empty later."""
        middle = ["评估中", "已答复"] if self.to_be_answered else ["有人办", "已处理"]
        stage = _STAGES[self.case.category]
        return [
            {"label": label, "mark": "d" if n < stage else "n" if n == stage else ""}
            for n, label in enumerate(["已收到", *middle, "您确认"])
        ]

    @property
    def line(self) -> str:
        """Who does what until when, in one sentence."""
        case = self.case
        who = str(case.assignee) if case.assignee else ""
        if case.category in {"resolved", "answered", "closed"}:
            at = case.closed_at if case.category == "closed" else case.resolved_at
            when = words.moment(at, self.now) if at else ""
            done = "已答复" if self.to_be_answered else "已处理"
            what = f"：{case.solution}" if case.solution else ""
            return f"{who} {when} {'已办结' if case.category == 'closed' else done}{what}".strip()
        if case.category == "waiting":
            return f"{who} 在办，{state_of(case).label}".strip(" ，")
        clock = clock_of(case, self.now)
        kind = kind_of(case).label if self.to_be_answered else ""
        who = who or ("信息科先看" if case.state == "it_first" else "等待响应")
        parts = [kind, f"{who} 在办" if case.assignee else who]
        if clock and clock.state != "late":
            parts.append(f"最迟 {_deadline(case.next_due_at)} {clock.what}")
        return "，".join(p for p in parts if p)


def _deadline(at: dt.datetime) -> str:
    local = timezone.localtime(at)
    today = timezone.localdate()
    return f"{local:%H:%M}" if local.date() == today else f"{local.month} 月 {local.day} 日 {local:%H:%M}"
