"""Alerts: facts are looked at once a minute; one case opens when trouble starts and closes when it ends.

The state of every trouble is a row of Alert; engine.alerts decides. Cases are opened and closed by the desk's own
services, with the system as actor: nothing here writes the desk's tables.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.site import queries as site
from xingwei.base.ui.words import duration
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import acts, intake, moves
from xingwei.service.desk.services.base import Refused

from ..engine.alerts import Rule, step
from ..engine.forecast import Forecast, full_on
from ..engine.volumes import size_words
from ..models import Alert, Breaker, Channel, Lease, Process, SpaceSample
from ..queries.volumes import growth

log = logging.getLogger(__name__)
MINUTE = dt.timedelta(minutes=1)
LABELS = {
    "down": "通道不通", "breaker": "接口已熔断", "queue": "消息积压", "dead": "有死信", "quarantine": "隔离的消息增多",
    "disk": "磁盘将满", "process": "接口网关没有运行",
}  # fmt: skip
RULES = {
    "breaker": Rule(0 * MINUTE, 5 * MINUTE),
    "queue": Rule(1 * MINUTE, 5 * MINUTE),
    "dead": Rule(1 * MINUTE, 5 * MINUTE),
    "quarantine": Rule(2 * MINUTE, 15 * MINUTE),
    "disk": Rule(60 * MINUTE, 24 * 60 * MINUTE),
    "process": Rule(2 * MINUTE, 2 * MINUTE),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One trouble that is there now. weight: how bad, to keep the worst."""

    kind: str
    channel: Channel | None
    text: str
    weight: float = 1.0

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.channel.code if self.channel else '-'}"


def look(now: dt.datetime | None = None) -> list[Alert]:
    """Look at everything once; returns the alerts whose state changed to firing or back to quiet."""
    at = now or timezone.now()
    found = {f.key: f for f in facts(at)}
    known = set(Alert.objects.exclude(state=Alert.State.QUIET).values_list("key", flat=True))
    changed = []
    for key in sorted(found.keys() | known):
        try:
            if alert := _step(key, found.get(key), at):
                changed.append(alert)
        except Refused as refusal:  # the desk does not take it now; the next minute asks again
            log.warning("alert %s: %s", key, refusal)
    return changed


def _step(key: str, fact: Fact | None, now: dt.datetime) -> Alert | None:
    with transaction.atomic():
        values = {"kind": key.partition(":")[0], "since": now, "channel": fact.channel if fact else None}
        Alert.objects.get_or_create(key=key, defaults=values)
        row: Alert = Alert.objects.select_for_update().get(key=key)
        after = step(row.state, row.since, fact is not None, now, _rule(row.kind))  # type: ignore[arg-type]
        row.state, row.since = after.state, after.since
        if fact is not None:
            row.fact, row.worst = fact.text[:300], max(row.worst, fact.weight)
        if after.act == "open":
            _open(system_actor(), row, now)
        elif after.act == "close":
            _close(system_actor(), row, now)
        row.save()
        return row if after.act else None


def _rule(kind: str) -> Rule:
    if kind == "down":
        return Rule(int(site.value("gateway.alert.down_minutes")) * MINUTE, 3 * MINUTE)
    return RULES[kind]


def _open(actor: Actor, row: Alert, now: dt.datetime) -> None:
    """The one case of this trouble; a case that is still open is taken up again instead."""
    channel = row.channel
    where = channel.name if channel else "接口网关"
    row.times, row.opened_at, row.cleared_at = row.times + 1, now, None
    if row.case is not None and row.case.category not in {"resolved", "closed"}:
        acts.note(actor, row.case, f"又出现：{where} {LABELS[row.kind]}。{row.fact}", internal=True)
        return
    row.case = intake.open_case(
        actor,
        intake.NewCase(
            kind="incident", channel=Case.Channel.PROBE, title=f"{where}：{LABELS[row.kind]}",
            description=f"{row.fact}\n由接口网关自动登记；恢复后自动记录并关闭。",
            severity=2 if row.kind in {"process", "breaker"} else 3,
            system=channel.system if channel else None, interface=channel.interface if channel else None,
            key=f"gateway:{row.key}:{now:%Y%m%d%H%M}"[:64], tags=["接口告警"],
        ),
    )  # fmt: skip


def _close(actor: Actor, row: Alert, now: dt.datetime) -> None:
    """Say that it is over; the case goes as far as its workflow lets the system take it."""
    row.cleared_at = now
    lasted = duration(now - row.opened_at) if row.opened_at else ""
    worst, row.worst = row.fact, 0
    if row.case is None or row.case.category in {"resolved", "closed"}:
        return
    case = Case.objects.get(pk=row.case.pk)
    said = f"已自动恢复，历时 {lasted}。" if lasted else "已自动恢复。"
    acts.note(actor, case, f"{said}{worst}", internal=True)
    if case.assignee_id or case.responded_at:
        _try(actor, case, "restore", {"note": said})
        return  # somebody works on it: whether it is done is theirs to say
    _try(actor, case, "respond", {"note": "自动登记，未及受理已恢复"})
    _try(actor, case, "restore", {"note": said})
    _try(actor, case, "resolve", {
        "cause": f"{LABELS[row.kind]}：{worst}"[:500], "solution": f"没有人工处理，{said}", "party": "unknown",
    })  # fmt: skip
    _try(actor, case, "confirm", {"note": said})


def _try(actor: Actor, case: Case, key: str, values: dict[str, str]) -> None:
    try:
        with transaction.atomic():
            moves.move(actor, case, key, values)
    except Refused as refusal:
        log.info("case %s stays: %s", case.number, refusal)


# The facts


def facts(now: dt.datetime) -> Iterator[Fact]:
    """Every trouble that is there now."""
    channels = {c.pk: c for c in Channel.objects.select_related("system", "interface")}
    yield from _processes(now, channels)
    yield from _breakers(channels)
    yield from _queues(now, channels)
    yield from _quarantine(now, channels)
    yield from _disk(now)


def _processes(now: dt.datetime, channels: dict[int, Channel]) -> Iterator[Fact]:
    running = [c for c in channels.values() if c.state == Channel.State.RUNNING]
    last = Process.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
    if running and last is not None and now - last > MINUTE:
        yield Fact("process", None, f"没有一个网关进程在运行，最近心跳 {timezone.localtime(last):%m-%d %H:%M:%S}")
        return
    for lease in Lease.objects.exclude(problem=""):
        channel = channels.get(lease.channel_id)
        if channel is not None and channel.state == Channel.State.RUNNING:
            yield Fact("down", channel, f"通道不能运行：{lease.problem}")


def _breakers(channels: dict[int, Channel]) -> Iterator[Fact]:
    for row in Breaker.objects.filter(state__in=[Breaker.State.OPEN, Breaker.State.HALF_OPEN]):
        if channel := channels.get(row.channel_id):
            yield Fact("breaker", channel, f"{row.get_state_display()}：{row.reason}")


_QUEUES = """
SELECT channel_id, count(*) FILTER (WHERE state IN ('waiting', 'sending')),
       min(queued_at) FILTER (WHERE state IN ('waiting', 'sending')), count(*) FILTER (WHERE state = 'dead')
FROM gateway_queued GROUP BY channel_id
"""


def _queues(now: dt.datetime, channels: dict[int, Channel]) -> Iterator[Fact]:
    oldest_allowed = int(site.value("gateway.alert.queue_minutes")) * MINUTE
    dead_allowed = int(site.value("gateway.alert.dead"))
    with connection.cursor() as cursor:
        cursor.execute(_QUEUES)
        rows = cursor.fetchall()
    for pk, waiting, oldest, dead in rows:
        channel = channels.get(pk)
        if channel is None:
            continue
        if oldest is not None and now - oldest > oldest_allowed:
            said = f"{waiting:,} 条在等，最久 {duration(now - oldest)}"
            yield Fact("queue", channel, said, (now - oldest).total_seconds())
        if dead >= dead_allowed:
            yield Fact("dead", channel, f"{dead:,} 条死信等人处理", float(dead))


_QUARANTINE = """
SELECT channel_id, count(*), count(*) FILTER (WHERE state = 'quarantined')
FROM gateway_message WHERE received_at >= %s AND received_at < %s GROUP BY channel_id
"""


def _quarantine(now: dt.datetime, channels: dict[int, Channel]) -> Iterator[Fact]:
    share = int(site.value("gateway.alert.quarantine_percent")) / 100
    with connection.cursor() as cursor:
        cursor.execute(_QUARANTINE, [now - 10 * MINUTE, now])
        rows = cursor.fetchall()
    for pk, total, bad in rows:
        channel = channels.get(pk)
        if channel is not None and total >= 20 and bad / total >= share:
            said = f"十分钟内 {total} 条中 {bad} 条被隔离（{100 * bad / total:.0f} %）"
            yield Fact("quarantine", channel, said, bad / total)


def _disk(now: dt.datetime) -> Iterator[Fact]:
    days = int(site.value("gateway.alert.disk_days"))
    space = SpaceSample.objects.order_by("-day").first()
    if space is None or not space.disk_total or space.disk_free is None:
        return
    if space.disk_free < 0.05 * space.disk_total:
        yield Fact("disk", None, f"磁盘只剩 {size_words(space.disk_free)}（不到 5 %）", 1000.0)
        return
    found = growth(days)
    if isinstance(found.bytes, Forecast) and found.factor:
        full = full_on(space.disk_free, found.bytes, factor=found.factor)
        if full.likely is not None:
            yield Fact("disk", None, f"按现在的增长，磁盘大约 {full.likely:%Y-%m-%d} 用满", 1.0)
