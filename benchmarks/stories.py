"""What happens to a case of each kind, as the timeline and the clocks know it: who did what, how long after.

The sequences are those of the desk's own workflow (service/desk/data/kinds.yaml): every state named here is one of its
states, and test_bench holds them against it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

# kind → share of all cases, in percent
KINDS = {
    "incident": 62.0, "consultation": 18.0, "requirement": 7.0, "defect": 4.0, "data_request": 4.0, "change": 2.0,
    "hazard": 1.5, "complaint": 0.5, "other": 1.0,
}  # fmt: skip
CHANNELS = {"phone": 58, "portal": 19, "wecom": 12, "on_site": 5, "email": 3, "inspection": 2, "api": 1}
LEVELS = {1: 0.4, 2: 9.6, 3: 90.0}
WAITING = {"wait_third": "third", "wait_hospital": "hospital"}


@dataclass(frozen=True, slots=True)
class Step:
    """type: of the event. after: minutes since the step before, least and most. state: reached by it."""

    type: str
    said: str
    after: tuple[int, int]
    state: str = ""
    by: str = "vendor"
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it stands in the timeline."""

    at: dt.datetime
    type: str
    said: str
    by: str
    data: dict[str, Any]


_DAY = 24 * 60
_RESPOND = Step("responded", "响应", (2, 40), "doing")
_ARRIVE = Step("arrived", "到场", (10, 150))
_THIRD = Step("paused", "等第三方", (20, 200), "wait_third", data={"waiting": "third"})
_HOSPITAL = Step("paused", "等医院", (20, 200), "wait_hospital", data={"waiting": "hospital"})
_RESUME = Step("resumed", "继续办理", (60, 2 * _DAY), "doing")
_RESOLVE = Step("resolved", "办结", (20, 600), "resolved")
_CONFIRM = Step("confirmed", "确认解决", (30, 2 * _DAY), "closed", "asker")
_BULLETIN = Step("bulletin", "发通报", (15, 40))
_RESTORE = Step("restored", "业务已恢复", (20, 240))
_ANSWER = Step("answered", "答复", (30, 700), "answered")
_ASSESS = Step("responded", "开始评估", (60, _DAY), "assessing")
_ACCEPT = Step("answered", "答复受理", (_DAY, 4 * _DAY), "rd")
_PROGRESS = Step("progress", "填研发进展", (4 * _DAY, 9 * _DAY))
_RELEASE = Step("resolved", "已发布", (10 * _DAY, 40 * _DAY), "resolved")

# kind → the ways it can go, with their weights
_WAYS: dict[str, tuple[tuple[int, Sequence[Step]], ...]] = {
    "incident": (
        (60, (_RESPOND, _ARRIVE, _RESOLVE, _CONFIRM)),
        (15, (_RESPOND, _RESOLVE, _CONFIRM)),
        (12, (_RESPOND, _ARRIVE, _THIRD, _RESUME, _RESOLVE, _CONFIRM)),
        (6, (_RESPOND, _HOSPITAL, _RESUME, _ARRIVE, _RESOLVE, _CONFIRM)),
        (7, (_RESPOND, _ARRIVE, _RESOLVE, Step("reopened", "还不行", (60, _DAY), "doing", "asker"), _RESOLVE, _CONFIRM)),
    ),
    "consultation": (
        (80, (_ANSWER, _CONFIRM)),
        (20, (Step("responded", "开始办理", (5, 200), "doing"), _ANSWER, _CONFIRM)),
    ),
    "requirement": (
        (60, (_ASSESS, _ACCEPT, _PROGRESS, _PROGRESS, _RELEASE, _CONFIRM)),
        (30, (_ASSESS, Step("answered", "答复不受理", (_DAY, 5 * _DAY), "answered"), _CONFIRM)),
        (10, (_ASSESS, Step("paused", "等医院", (60, _DAY), "wait_hospital", data={"waiting": "hospital"}),
              Step("resumed", "继续办理", (_DAY, 6 * _DAY), "assessing"), _ACCEPT, _PROGRESS, _RELEASE, _CONFIRM)),
    ),
    "defect": (
        (75, (_ASSESS, Step("consented", "同意转研发", (60, 2 * _DAY)), Step("consented", "同意转研发", (60, _DAY), by="it"),
              Step("to_rd", "转研发", (30, _DAY), "rd"), Step("answered", "答复确认缺陷", (60, _DAY), "rd"), _PROGRESS,
              _PROGRESS, _RELEASE, _CONFIRM)),
        (25, (_ASSESS, Step("answered", "答复不是缺陷", (_DAY, 4 * _DAY), "answered"), _CONFIRM)),
    ),
    "data_request": (
        (100, (Step("responded", "批准提取", (30, _DAY), "doing", "it"),
               Step("resolved", "交付", (120, 2 * _DAY), "resolved"), _CONFIRM)),
    ),
    "change": (
        (100, (Step("planned", "提交方案", (_DAY, 3 * _DAY), "planned"), Step("consented", "认可方案", (60, _DAY)),
               Step("consented", "认可方案", (60, _DAY), by="it"), Step("executed", "执行", (_DAY, 3 * _DAY), "executing"),
               Step("resolved", "核验通过", (20, 300), "resolved"), _CONFIRM)),
    ),
    "hazard": ((100, (Step("responded", "开始办理", (30, _DAY), "doing"), _RESOLVE, _CONFIRM)),),
    "complaint": ((100, (Step("responded", "开始办理", (5, 60), "doing"), Step("answered", "答复", (60, _DAY)),
                         _RESOLVE, _CONFIRM)),),
    "other": ((100, (Step("responded", "开始办理", (30, _DAY), "doing"), _RESOLVE, _CONFIRM)),),
}  # fmt: skip


def states_used() -> dict[str, set[str]]:
    """Per kind, the states that these stories reach: the workflow must know them all."""
    return {kind: {"new"} | {s.state for _, way in ways for s in way if s.state} for kind, ways in _WAYS.items()}


def tell(
    random: Random, kind: str, severity: int, opened: dt.datetime, until: dt.datetime, *, stay: bool
) -> list[Line]:
    """The events of one case up to `until`. stay: it does not come to its end, wherever that leaves it."""
    ways = _WAYS[kind]
    way = random.choices([w for _, w in ways], weights=[n for n, _ in ways])[0]
    steps = list(way)
    if kind == "incident" and severity in {1, 2}:
        steps[1:1] = [_BULLETIN, _BULLETIN, _RESTORE][: random.randrange(1, 4)]
    if stay:
        steps = steps[: random.randrange(len(steps))]
    lines = [Line(opened, "opened", "登记", "registrar", {"severity": severity, "it_first": False, "state": "new"})]
    if severity:
        lines.append(Line(opened, "graded", f"定为{'一二三'[severity - 1]}级", "registrar", {"severity": severity}))
    if random.random() < 0.9:
        lines.append(Line(opened, "assigned", "交给办理人", "registrar", {}))
    at, state = opened, "new"
    for step in steps:
        at += dt.timedelta(minutes=random.randint(*step.after), seconds=random.randrange(60))
        if at >= until:
            break
        state = step.state or state
        lines.append(Line(at, step.type, step.said, step.by, {"move": step.type, "state": state, **step.data}))
        if random.random() < 0.25:
            lines.append(Line(at, "noted", "补充", random.choice(("vendor", "it", "asker")), {}))
    return lines
