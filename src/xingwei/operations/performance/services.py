"""Every write about performance: readings, trials of advice, and what becomes of them (clause 9.3)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.connections import queries as connections
from xingwei.base.connections.models import Connection
from xingwei.base.connections.services import ConnectionRefused
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.views import ServiceRefused
from xingwei.operations.backups.models import Copy, Plan
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import intake

from . import reading, trying
from .engine.usage import Counters, used
from .models import Advice, Reading, Statement, Usage

KEPT_READINGS = dt.timedelta(days=3)
KEPT_USAGE = dt.timedelta(days=400)
_DEAD = dt.timedelta(hours=3)


class PerformanceRefused(ServiceRefused):
    """What the services refuse; the text is for the user."""


def read_all(now: dt.datetime | None = None) -> list[Reading]:
    """Read the statistics of every business database once. One that cannot be read does not stop the others."""
    now = now or timezone.now()
    found = [read_one(c, now) for c in Connection.objects.filter(enabled=True, kind__in=reading.KINDS)]
    Reading.objects.filter(at__lt=now - KEPT_READINGS).delete()
    Usage.objects.filter(hour__lt=now - KEPT_USAGE).delete()
    return found


def read_one(connection: Connection, now: dt.datetime) -> Reading:
    """One reading, and from it what was used since the last one, booked to the hour in which it was read."""
    try:
        seen = reading.statements(connection)
    except (connections.ConnectionProblem, ConnectionRefused) as problem:
        row: Reading = Reading.objects.create(connection=connection, at=now, problem=str(problem)[:300])
        return row
    last = Reading.objects.filter(connection=connection, problem="").first()
    before = {key: Counters(*line) for key, line in last.counters.items()} if last else {}
    after = {key: counters for key, (_, counters) in seen.items()}
    with transaction.atomic():
        rows = _statements(connection, seen, now)
        _book(rows, used(before, after), now.replace(minute=0, second=0, microsecond=0))
        row = Reading.objects.create(
            connection=connection, at=now,
            counters={key: [c.calls, c.total_ms, c.rows, c.read] for key, c in after.items()},
        )  # fmt: skip
    return row


def _statements(
    connection: Connection, seen: dict[str, tuple[str, Counters]], now: dt.datetime
) -> dict[str, Statement]:
    Statement.objects.bulk_create(
        [
            Statement(connection=connection, key=key, text=text, first_at=now, last_at=now)
            for key, (text, _) in seen.items()
        ],
        update_conflicts=True, unique_fields=["connection", "key"], update_fields=["last_at"],
    )  # fmt: skip
    return {s.key: s for s in Statement.objects.filter(connection=connection, key__in=seen)}


def _book(rows: dict[str, Statement], changes: dict[str, Counters], hour: dt.datetime) -> None:
    known = {u.statement_id: u for u in Usage.objects.filter(hour=hour, statement__in=rows.values())}
    new: list[Usage] = []
    for key, change in changes.items():
        usage = known.get(rows[key].pk)
        if usage is None:
            new.append(Usage(statement=rows[key], hour=hour, calls=0, total_ms=0, rows=0, read=0))
            usage = new[-1]
        usage.calls += change.calls
        usage.total_ms += change.total_ms
        usage.rows += change.rows
        usage.read += change.read
    Usage.objects.bulk_create(new)
    Usage.objects.bulk_update(known.values(), ["calls", "total_ms", "rows", "read"])


# Advice


def ask(actor: Actor, statement: Statement) -> Advice:
    """Look at a statement on a copy from the newest backup; the background does it. Raises PerformanceRefused."""
    require(actor, "performance.advice:ask", statement)
    if statement.connection.kind != "postgresql":
        raise PerformanceRefused("目前只能在 PostgreSQL 的副本上试；请研发在测试库查看执行计划。")
    copy_of(statement)
    now = timezone.now()
    with transaction.atomic():
        Advice.objects.filter(statement=statement, state="running", asked_at__lt=now - _DEAD).update(
            state=Advice.State.FAILED, done_at=now, problem="中断：程序停止时还没有试完"
        )
        try:
            with transaction.atomic():
                advice: Advice = Advice.objects.create(statement=statement, asked_at=now, by_id=actor.id)
        except IntegrityError:
            raise PerformanceRefused("这条语句正在副本上试，请等它结束。") from None
        record(actor, "performance.advice.ask", statement, f"在副本上分析语句（{statement.connection.name}）")
        from .tasks import work

        work.defer(advice=advice.pk)
    return advice


def copy_of(statement: Statement) -> Copy:
    """The newest dump of the statement's database. Raises PerformanceRefused where there is none."""
    plans = Plan.objects.filter(connection=statement.connection, form=Plan.Form.PG_DUMP)
    copy: Copy | None = Copy.objects.filter(plan__in=plans, gone_at=None).order_by("-taken_at").first()
    if copy is None:
        raise PerformanceRefused(
            f"“{statement.connection.name}”还没有备份，没有副本可试。请先在“备份证明”里备份这个库。"
        )
    return copy


def carry_out(advice: Advice) -> Advice:
    """Try it; whatever comes of it is written down. A second call does nothing."""
    if advice.state != Advice.State.RUNNING:
        return advice
    statement = advice.statement
    schema = str(statement.connection.settings.get("schema") or "")
    try:
        tried = trying.try_out(Path(copy_of(statement).path), statement.text, schema)
        advice.cause, advice.words = trying.words(tried)
        advice.change = tried.change
        advice.before = tried.before.plain()
        advice.after = tried.after.plain() if tried.after else {}
        advice.state = Advice.State.OPEN if tried.weakness else Advice.State.NOTHING
    except (trying.TrialProblem, PerformanceRefused) as problem:
        advice.state, advice.problem = Advice.State.FAILED, str(problem)[:500]
    except Exception:
        advice.state, advice.problem = Advice.State.FAILED, "程序出错，没有试完；请看后台日志"
        raise
    finally:
        with transaction.atomic():
            advice.done_at = timezone.now()
            advice.save()
            said = f"语句分析：{advice.get_state_display()}{f'，{advice.cause}' if advice.cause else ''}"
            record(system_actor("task"), "performance.advice.end", statement, said, after={"state": advice.state})
    return advice


def adopt(actor: Actor, advice: Advice) -> Case:
    """The hospital wants it: a change on the desk, which goes its own way of approval. Raises PerformanceRefused."""
    require(actor, "performance.advice:decide", advice.statement)
    with transaction.atomic():
        row = _locked(advice, Advice.State.OPEN)
        statement = row.statement
        change = f"\n改动：{row.change}" if row.change else ""
        case = intake.open_case(
            actor,
            intake.NewCase(
                kind="change", channel=Case.Channel.PROBE, title=f"性能：{row.cause}（{statement.connection.name}）"[:80],
                description=f"{row.words}{change}\n语句：{statement.text[:600]}", system=statement.connection.system,
                key=f"performance:{row.pk}", tags=["性能"],
            ),
        )  # fmt: skip
        row.state, row.case = Advice.State.ADOPTED, case
        row.save(update_fields=["state", "case"])
        record(actor, "performance.advice.adopt", statement, f"采纳性能建议，登记 {case.number}")
    return case


def apply(actor: Actor, advice: Advice) -> Advice:
    """It was done on the hospital's database: from now on its effect is followed."""
    require(actor, "performance.advice:ask", advice.statement)
    with transaction.atomic():
        row = _locked(advice, Advice.State.ADOPTED)
        row.state, row.applied_at = Advice.State.APPLIED, timezone.now()
        row.save(update_fields=["state", "applied_at"])
        record(actor, "performance.advice.apply", row.statement, "性能建议已实施，开始跟踪效果")
    return row


def decline(actor: Actor, advice: Advice, reason: str) -> Advice:
    """Not wanted, and why."""
    require(actor, "performance.advice:decide", advice.statement)
    if not reason.strip():
        raise PerformanceRefused("请写明为什么不采纳。")
    with transaction.atomic():
        row = _locked(advice, Advice.State.OPEN, Advice.State.ADOPTED)
        row.state, row.reason = Advice.State.DECLINED, reason.strip()[:200]
        row.save(update_fields=["state", "reason"])
        record(actor, "performance.advice.decline", row.statement, f"不采纳性能建议：{row.reason}")
    return row


def _locked(advice: Advice, *states: str) -> Advice:
    row: Advice = (
        Advice.objects.select_for_update(of=("self",)).select_related("statement__connection__system").get(pk=advice.pk)
    )
    if row.state not in states:
        raise PerformanceRefused(f"这条建议{row.get_state_display()}，不能再做这一步。请刷新页面。")
    return row
