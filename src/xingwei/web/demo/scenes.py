"""How a case of each kind goes: generators that act through the desk's services and yield when to go on.

What is yielded is a span from now or a moment; the year's scheduler moves the time there and resumes.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.ui.words import CHINA
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import acts, intake, moves, papers

from .cast import THIRD, Cast

Scene = Generator[dt.timedelta | dt.datetime, None, None]
MINUTE = dt.timedelta(minutes=1)
PARTIES = {"vendor", "hospital", "third", "carrier"}


@dataclass(frozen=True, slots=True)
class Plot:
    """A line of scenarios.tsv."""

    kind: str
    system: str
    department: str
    severity: int
    title: str
    words: str
    party: str
    cause: str
    solution: str


@cache
def plots() -> tuple[Plot, ...]:
    with Path(__file__).with_name("scenarios.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return tuple(
            Plot(
                row["kind"], row["system"], row["department"], int(row["severity"]), row["title"], row["words"],
                row["party"], row["cause"], row["solution"],
            )
            for row in rows
        )  # fmt: skip


def play(cast: Cast, plot: Plot) -> Scene:
    """The scene of the plot's kind."""
    return SCENES[plot.kind](cast, plot)


def incident(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot, it_first=plot.severity == 3 and cast.chance(0.16))
    if case.state == "it_first":
        yield cast.minutes(18)
        if cast.chance(0.25):
            moves.move(cast.actor("tang"), case, "solve_first", {"solution": plot.solution, "cause": plot.cause})
            yield from confirmation(cast, case)
            return
        moves.move(
            cast.actor("tang"), case, "hand_over", {"tried": f"已检查电脑与网络，{plot.cause[:8]}方面信息科处理不了"}
        )
    yield cast.minutes(5, 0.7) if cast.chance(0.975) else cast.minutes(44, 0.2)
    who = case.assignee or cast.engineer()
    moves.move(cast.actor(who), case, "respond")
    yield from visit(cast, case, who)
    yield from work(cast, case, plot, who)
    yield from resolution(cast, case, plot, who)
    yield from confirmation(cast, case)


def visit(cast: Cast, case: Case, who: User) -> Scene:
    """To the place; at night a small fault waits for the morning by agreement; some are solved from afar."""
    if case.severity == 3 and (cast.at_night() or not cast.is_office_hour()):
        morning = cast.office(timezone.now() + dt.timedelta(hours=1)) + dt.timedelta(hours=1)
        yield cast.minutes(6)
        moves.move(
            cast.actor(who), case, "agree_visit", {"visit_at": morning, "agreed_with": case.reporter_name or "值班人员"}
        )
        yield morning - cast.minutes(30, 0.3, most=55)
        moves.move(cast.actor(who), case, "arrive", {"place": case.where})
        return
    if cast.chance(0.28):
        return
    late = case.severity != 3 and cast.chance(0.03)
    yield cast.minutes(195, 0.1) if late else cast.minutes(14, 0.5, most=100)
    moves.move(cast.actor(who), case, "arrive", {"place": case.where})


def work(cast: Cast, case: Case, plot: Plot, who: User) -> Scene:
    """Bulletins while the windows stand still; waiting for whoever owns the cause."""
    actor = cast.actor(who)
    if case.severity in {1, 2}:
        for _ in range(cast.dice.randint(1, 3)):
            yield cast.minutes(22, 0.15, most=29) if cast.chance(0.93) else cast.minutes(36, 0.1)
            moves.move(actor, case, "bulletin", {"bulletin": bulletin_text(plot)})
    third = cast.users[THIRD[plot.system]] if plot.party in {"third", "carrier"} and plot.system in THIRD else None
    if third is not None:
        yield cast.minutes(12)
        acts.ask_third_party(actor, case, third, f"{plot.title}。请查明并恢复，结果请回复。")
        if cast.chance(0.6):
            yield cast.minutes(5)
            whom = f"{third.organisation.short_name} {third}"
            moves.move(actor, case, "wait_third", {"whom": whom, "reason": "对方正在处理"})
            yield cast.minutes(90 if case.severity < 3 else 420, 0.8)
            if case.severity < 3 and cast.chance(0.5):
                acts.note(cast.actor(third), Case.objects.get(pk=case.pk), plot.cause)
            moves.move(actor, case, "resume", {"note": "对方已处理，开始核对"})
            if cast.chance(0.25):
                papers.coordinate(
                    cast.actor("he"), case, parties=f"信息科、锦云医信、{third.organisation.short_name}",
                    held_at=timezone.now() - 20 * MINUTE, conclusion=plot.cause, next_step=f"{whom}书面说明，信息科归档",
                )  # fmt: skip
    elif plot.party == "hospital" and cast.chance(0.4):
        yield cast.minutes(15)
        moves.move(actor, case, "wait_hospital", {"whom": "信息科网络组 方圆", "reason": plot.cause})
        yield cast.office(timezone.now() + cast.minutes(160, 0.9))
        moves.move(actor, case, "resume")
    yield cast.minutes(70 if case.severity == 3 else 25, 0.8, most=2_000)
    if case.severity in {1, 2}:
        moves.move(actor, case, "restore", {"note": "窗口已恢复办理"})
        yield cast.minutes(20)


def resolution(cast: Cast, case: Case, plot: Plot, who: User) -> Scene:
    actor = cast.actor(who)
    unknown = plot.party not in PARTIES
    values = {
        "cause": plot.cause, "solution": plot.solution, "party": "unknown" if unknown else plot.party,
        "half_solved": unknown,
    }  # fmt: skip
    moves.move(actor, case, "resolve", values)
    if unknown:
        yield cast.office(timezone.now() + cast.minutes(200))
        paper = papers.issue_feedback(
            actor, case, found=f"{plot.cause}。", conclusion="目前没有再次出现，原因未能查明。",
            plan=f"{plot.solution}。再次出现时保留现场，立即通知驻场。",
        )  # fmt: skip
        yield cast.office(timezone.now() + cast.minutes(300))
        papers.receive_feedback(cast.actor("he"), paper)
    elif cast.chance(0.04):
        yield cast.minutes(90, 0.5, most=1_200)
        moves.move(asker(cast, case), case, "not_yet", {"reason": "又出现了，请再看看"})
        yield cast.minutes(45)
        moves.move(actor, case, "resolve", {**values, "solution": f"{plot.solution}；复查后再次处理"})


def confirmation(cast: Cast, case: Case) -> Scene:
    """More than half answer; the others are silent and the day's task closes for them."""
    if not cast.chance(0.58):
        return
    yield cast.minutes(60, 1.0, most=1_300)
    case.refresh_from_db()
    if case.category in {"resolved", "answered"} and not case.half_solved:
        score = cast.dice.choices(["5", "4", "3", "2"], weights=[62, 27, 9, 2])[0]
        moves.move(asker(cast, case), case, "confirm", {"satisfaction": score})


def consultation(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.office(timezone.now() + cast.minutes(50, 1.0))
    moves.move(cast.actor(cast.engineer()), case, "answer", {"answer": plot.solution})
    yield from confirmation(cast, case)


def requirement(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(cast.dice.uniform(0.2, 1.5))
    moves.move(cast.actor("zhou"), case, "assess", {"assessment": "已与科室核对用途与范围"})
    yield cast.workdays(cast.dice.uniform(0.5, 3.0) if cast.chance(0.9) else cast.dice.uniform(4, 6))
    if plot.solution.startswith("不受理"):
        moves.move(cast.actor("zhou"), case, "refuse", {"answer": plot.solution})
        yield from confirmation(cast, case)
        return
    moves.move(cast.actor("zhou"), case, "accept", {"answer": plot.solution, "planned": planned_version(cast)})
    yield from development(cast, case, plot)


def defect(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(cast.dice.uniform(0.1, 1.0))
    who = cast.engineer()
    moves.move(cast.actor(who), case, "assess", {"assessment": f"已复现：{plot.cause}"})
    moves.move(cast.actor(who), case, "agree")
    yield cast.workdays(cast.dice.uniform(0.2, 1.5))
    moves.move(cast.actor("he"), case, "agree", {"note": "同意转研发"})
    version = planned_version(cast)
    yield cast.minutes(40)
    moves.move(cast.actor("zhou"), case, "accept", {"answer": f"确认是缺陷：{plot.cause}", "planned": version})
    moves.move(cast.actor(who), case, "to_rd", {"planned": version})
    yield from development(cast, case, plot)


def development(cast: Cast, case: Case, plot: Plot) -> Scene:
    """R&D reports every week or two; what is released is confirmed."""
    rnd = cast.actor("gao" if plot.system == "ESB" else "zhao")
    stages = ("已确认", "开发中", "测试中", "待发布")
    for stage in stages[: cast.dice.randint(2, 4)]:
        yield cast.workdays(cast.dice.uniform(4, 9))
        moves.move(rnd, case, "report", {"stage": stage, "progress": f"{stage}：{plot.title}"})
    yield cast.workdays(cast.dice.uniform(3, 9))
    moves.move(rnd, case, "release", {"solution": plot.solution})
    yield from confirmation(cast, case)


def data_request(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(cast.dice.uniform(0.1, 1.0))
    moves.move(cast.actor("he"), case, "approve", {"note": "用途属实，按最小范围提取"})
    yield cast.workdays(cast.dice.uniform(0.4, 2.0))
    moves.move(cast.actor(cast.engineer()), case, "deliver", {"solution": plot.solution})
    yield from confirmation(cast, case)


def change(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(cast.dice.uniform(0.5, 2))
    who = cast.engineer()
    plan = {"assessment": f"影响范围已核对：{plot.words}", "plan": "1. 备份；2. 执行；3. 两人核验；4. 保留回退点 7 日"}
    moves.move(cast.actor(who), case, "plan", plan)
    yield cast.workdays(cast.dice.uniform(0.1, 1))
    moves.move(cast.actor("zhou"), case, "consent")
    yield cast.workdays(cast.dice.uniform(0.1, 1))
    moves.move(cast.actor("he"), case, "consent", {"note": "同意，请在维护窗口执行"})
    tonight = timezone.now().astimezone(CHINA).replace(hour=22, minute=10) + dt.timedelta(days=cast.dice.randint(0, 3))
    yield tonight
    moves.move(cast.actor(who), case, "execute")
    yield cast.minutes(50)
    moves.move(cast.actor(who), case, "verify", {"result": plot.solution})
    yield from confirmation(cast, case)


def hazard(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(cast.dice.uniform(0.1, 1))
    who = cast.engineer()
    moves.move(cast.actor(who), case, "start")
    yield cast.workdays(cast.dice.uniform(0.5, 3.5))
    moves.move(cast.actor(who), case, "finish", {"solution": plot.solution})
    yield from confirmation(cast, case)


def complaint(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.minutes(15, 0.4, most=28)
    moves.move(cast.actor("zhou"), case, "start", {"note": "已致电说明"})
    yield cast.workdays(cast.dice.uniform(0.2, 0.8))
    moves.move(cast.actor("zhou"), case, "answer", {"answer": plot.solution})
    moves.move(cast.actor("zhou"), case, "finish_answered", {"solution": plot.solution})
    yield from confirmation(cast, case)


def other(cast: Cast, plot: Plot) -> Scene:
    case = report(cast, plot)
    yield cast.workdays(cast.dice.uniform(0.2, 2))
    moves.move(cast.actor(cast.engineer()), case, "finish", {"solution": plot.solution})
    yield from confirmation(cast, case)


SCENES: dict[str, Callable[..., Scene]] = {
    "incident": incident, "consultation": consultation, "requirement": requirement, "defect": defect,
    "data_request": data_request, "change": change, "hazard": hazard, "complaint": complaint, "other": other,
}  # fmt: skip


def report(cast: Cast, plot: Plot, *, it_first: bool = False, assignee: User | None = None) -> Case:
    """The case comes in: mostly by phone, written down by whoever answered."""
    department = cast.departments.get(plot.department)
    reporter = cast.reporter(department)
    weights = [20, 3, 70, 7] if reporter else [0, 0, 90, 10]
    channel = cast.dice.choices(["portal", "wecom", "phone", "on_site"], weights=weights)[0]
    if plot.kind == "hazard":
        channel = "inspection"
    registrar = cast.engineer()
    own = channel in {"portal", "wecom"} and reporter is not None
    actor = cast.actor(reporter if own and reporter else "tang" if it_first else registrar)
    case = intake.open_case(
        actor,
        intake.NewCase(
            kind=plot.kind, title=plot.title, description=f"{plot.words}。", channel=channel, severity=plot.severity,
            system=cast.systems.get(plot.system), department=department, reporter=reporter,
            reporter_name="" if reporter else f"{plot.department}值班", it_first=it_first,
            assignee=assignee or (None if own or it_first else registrar),
        ),
    )  # fmt: skip
    if channel == "phone":
        number = (reporter and reporter.phone) or (department and department.extension) or "8000"
        talk = cast.dice.randint(25, 140)
        intake.log_call(cast.actor(registrar), number, missed=False, case=case, talk_seconds=talk,
                        caller_name=reporter.name if reporter else plot.department)  # fmt: skip
    return case


def asker(cast: Cast, case: Case) -> Any:
    """Who may say that it is solved: the reporter, or IT where nobody is known by name."""
    return cast.actor(case.reporter if case.reporter else "tang")


def bulletin_text(plot: Plot) -> str:
    whose = {"third": "已联系对方处理", "carrier": "运营商正在抢修", "hospital": "信息科正在处理"}.get(
        plot.party, "驻场正在处理"
    )
    return f"{plot.title}：{whose}。窗口请先按应急办法办理，恢复后统一补办。30 分钟内再通报。"


def planned_version(cast: Cast) -> str:
    now = timezone.now().astimezone(CHINA)
    return f"{now.year % 100}.{(now.month + 1) // 3 + 1}.{cast.dice.randint(1, 9)}"
