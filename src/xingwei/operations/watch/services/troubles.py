"""Troubles: facts are looked at once a minute; one case opens for what is the cause, none for what follows from it.

The state of every trouble is a row; gateway.engine.alerts decides when it fires and when it is over. Cases are opened
and closed by the desk's own services, with the system as actor.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.db.models import Count, Min, Q
from django.utils import timezone

from xingwei.base.estate import queries as estate
from xingwei.base.estate.engine import Graph
from xingwei.base.estate.models import BusinessFunction, Interface, System
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.site import queries as site
from xingwei.base.ui.words import duration
from xingwei.operations.gateway.engine.alerts import Rule, step
from xingwei.operations.gateway.models import Alert
from xingwei.service.desk.models import Case, CaseLink
from xingwei.service.desk.services import acts, intake, moves
from xingwei.service.desk.services.base import Refused

from ..engine.suppression import Bad, causes
from ..models import Baseline, FunctionWatch, Job, ProbeChange, Trouble
from ..queries import states

log = logging.getLogger(__name__)
ACTIVE = (Trouble.State.FIRING, Trouble.State.ENDING)
SETTLING = dt.timedelta(minutes=10)
_RANK = {"down": 5, "blind": 4, "warn": 3, "job": 3, "odd": 2, "drift": 1}


@dataclass(frozen=True, slots=True)
class Fact:
    """One trouble that is there now. since: when it began. probes: codes of those that show it."""

    key: str
    kind: str
    label: str
    text: str
    since: dt.datetime
    node: str = ""
    system: str = ""
    severity: int = 3
    probes: tuple[str, ...] = field(default=())


def look_over(now: dt.datetime | None = None) -> list[Trouble]:
    """Look at everything once; returns the troubles that fired or ended."""
    at = now or timezone.now()
    graph = estate.graph()
    found = {f.key: f for f in facts(at, graph)}
    follows = causes({f.node: Bad(f.node, f.kind, f.since.timestamp()) for f in found.values() if f.key == f.node},
                     graph.upstream)  # fmt: skip
    found = _weighed(found, follows)
    rows = {t.key: t for t in Trouble.objects.exclude(state=Trouble.State.QUIET)}
    keys = sorted(found.keys() | rows.keys(), key=lambda k: (k in follows, k))  # causes first: effects point to them
    changed = []
    for key in keys:
        try:
            if row := _step(key, found.get(key), follows.get(key, ""), at, graph):
                changed.append(row)
        except Refused as refusal:  # the desk does not take it now; the next minute asks again
            log.warning("trouble %s: %s", key, refusal)
    return changed


def _weighed(found: dict[str, Fact], follows: Mapping[str, str]) -> dict[str, Fact]:
    """A cause is as severe as the worst of what follows from it."""
    out = dict(found)
    for effect, cause in follows.items():
        if cause in out and found[effect].severity < out[cause].severity:
            out[cause] = replace(out[cause], severity=found[effect].severity)
    return out


# The facts


def facts(now: dt.datetime, graph: Graph) -> Iterable[Fact]:
    """Every trouble that is there now. While nobody watches, what the probes last said is no fact any more."""
    eyes = states.eyes(now)
    if eyes.alive:
        yield from _nodes(now, graph)
        yield from _drifts(now, graph)
    elif eyes.since is not None:
        longest = int(site.value("watch.blind_s"))
        if (now - eyes.since).total_seconds() > longest:
            said = (
                f"没有一个监测进程在运行，最近心跳 {timezone.localtime(eyes.since):%m-%d %H:%M:%S}；其后的状态都看不到"
            )
            yield Fact("blind", "blind", "监测", said, eyes.since, severity=2)
    yield from _jobs(now, graph)


def _nodes(now: dt.datetime, graph: Graph) -> Iterable[Fact]:
    severities = dict(FunctionWatch.objects.values_list("function__code", "severity"))
    gathered: dict[str, list[states.Look]] = {}
    wrong = [look for look in states.looks(now=now) if look.bad]
    unborn = _newcomers([look.probe.pk for look in wrong], now)
    for look in wrong:
        if look.probe.pk not in unborn:
            gathered.setdefault(look.probe.node, []).append(look)
    for node, bad in gathered.items():
        worst = max(bad, key=lambda x: (_RANK[x.state], x.probe.severity * -1))
        part = graph.nodes.get(node)
        severity = min(x.probe.severity for x in bad)
        if worst.state != "down":
            severity = max(severity, 3)
        elif part is not None and part.kind == "function":
            severity = min(severity, severities.get(node.partition(":")[2], 3))
        since = min((x.since or now) if x.state != "odd" else (x.at or now) for x in bad if x.state == worst.state)
        label = part.label if part else node
        text = "；".join(f"{x.probe.name}：{x.said}" for x in sorted(bad, key=lambda x: -_RANK[x.state])[:3])
        yield Fact(node, worst.state, label, text[:300], since, node, part.system if part else "", severity,
                   tuple(x.probe.code for x in bad)[:20])  # fmt: skip


def _newcomers(probes: list[int], now: dt.datetime) -> set[int]:
    """Probes that never saw their object well and have not looked for long: it is being set up, or its address is
    wrong. That is no outage; after a while it is."""
    lives = (
        ProbeChange.objects.filter(probe__in=probes)
        .values("probe")
        .annotate(first=Min("at"), well=Count("id", filter=Q(after="ok")))
        .filter(well=0, first__gt=now - SETTLING)
    )
    return {row["probe"] for row in lives}


def _drifts(now: dt.datetime, graph: Graph) -> Iterable[Fact]:
    rows = Baseline.objects.exclude(drift_said="").select_related("series__probe")
    gathered: dict[str, list[Baseline]] = {}
    for row in rows.filter(series__probe__active=True)[:200]:
        gathered.setdefault(row.series.node, []).append(row)
    for node, drifting in gathered.items():
        part = graph.nodes.get(node)
        said = "；".join(r.drift_said for r in drifting[:3])
        yield Fact(f"drift:{node}", "drift", part.label if part else node, said[:300], drifting[0].made_at, node,
                   part.system if part else "", 3, tuple({r.series.probe.code for r in drifting if r.series.probe}))  # fmt: skip


def _jobs(now: dt.datetime, graph: Graph) -> Iterable[Fact]:
    late = Job.objects.filter(active=True, state__in=[Job.State.LATE, Job.State.FAILED]).select_related("system")
    for job in late:
        said = f"{job.get_state_display()}。{job.said}" if job.said else job.get_state_display()
        if job.last_ok_at:
            said += f" 最近一次成功 {timezone.localtime(job.last_ok_at):%m-%d %H:%M}"
        yield Fact(f"job:{job.code}", "job", job.name, said[:300], job.since, job.node,
                   job.system.code if job.system else "", job.severity)  # fmt: skip


# One trouble


def _rule(kind: str) -> Rule:
    second = dt.timedelta(seconds=1)
    after = {"down": "watch.case.down_s", "warn": "watch.case.warn_s", "odd": "watch.case.odd_s"}.get(kind)
    over = dt.timedelta(hours=12) if kind == "drift" else int(site.value("watch.case.over_s")) * second
    return Rule(int(site.value(after)) * second if after else 0 * second, over)


def _step(key: str, fact: Fact | None, cause_key: str, now: dt.datetime, graph: Graph) -> Trouble | None:
    with transaction.atomic():
        row: Trouble | None = Trouble.objects.select_for_update().filter(key=key).first()
        if row is None:
            if fact is None:
                return None
            row = Trouble(key=key, kind=fact.kind, node=fact.node, label=fact.label, state="quiet", since=now)
        # a probe already says since when: the first minute that sees it need not wait again
        began = min(fact.since, now) if fact and row.state == "quiet" else row.since
        state = "pending" if fact and row.state == "quiet" else row.state
        after = step(state, began, fact is not None, now, _rule(fact.kind if fact else row.kind))  # type: ignore[arg-type]
        fired_before = row.state in ACTIVE
        row.state, row.since = after.state, after.since
        if fact is not None:
            _take_in(row, fact, now)
            row.cause = Trouble.objects.filter(key=cause_key, state__in=ACTIVE).first() if cause_key else None
            row.muted = states.under_maintenance(fact.node, fact.system, now) is not None
        if after.act == "open":
            row.times, row.opened_at, row.cleared_at = row.times + 1, now, None
            row.began_at = fact.since if fact else now
        elif after.act == "close":
            row.cleared_at, row.cause = now, None
            _close(system_actor("watch"), row, now)
        row.save()
        if row.state in ACTIVE and fact is not None:
            _case(system_actor("watch"), row, fact, now, graph)
        return row if after.act or (row.state in ACTIVE) != fired_before else None


def _take_in(row: Trouble, fact: Fact, now: dt.datetime) -> None:
    if row.pk and row.state in ACTIVE and _RANK[fact.kind] < _RANK[row.kind]:
        row.fact = fact.text  # it is getting better, and stays what it was until it is over
    else:
        row.kind, row.fact, row.severity = fact.kind, fact.text, fact.severity
    row.node, row.label, row.probes = fact.node, fact.label, list(fact.probes)
    if fact.system and (row.system is None or row.system.code != fact.system):
        row.system = System.objects.filter(code=fact.system).first()


def _case(actor: Actor, row: Trouble, fact: Fact, now: dt.datetime, graph: Graph) -> None:
    """The case of a trouble that fires: none in a maintenance window and none for an effect; else one, and only one."""
    if row.muted:
        return
    if row.cause is not None:
        _give_up(actor, row)
        return
    if row.case is not None and row.case.category not in {"resolved", "closed"}:
        if row.opened_at == now:
            acts.note(actor, row.case, f"又出现：{row.fact}", internal=True)
        return
    if row.case is not None and row.opened_at != now:
        return  # somebody closed it by hand while it lasts: theirs to say
    row.case = _of_the_gateway(row, graph) or _opened(actor, row, fact, now, graph)
    row.save(update_fields=["case"])


def _give_up(actor: Actor, row: Trouble) -> None:
    """What turned out to follow from another trouble: its own case, where nobody took it up, goes into the cause's."""
    cause = row.cause
    if row.case is None or cause is None or cause.case is None or row.case.pk == cause.case.pk:
        return
    case = Case.objects.get(pk=row.case.pk)
    if case.category in {"resolved", "closed"}:
        return
    if case.responded_at or case.assignee_id:
        acts.link(actor, case, cause.case, CaseLink.Kind.SAME_CAUSE)
    else:
        acts.merge(actor, cause.case, [case], f"起因是 {cause.label}：{cause.fact}"[:300])
    row.case = cause.case
    row.save(update_fields=["case"])


def _of_the_gateway(row: Trouble, graph: Graph) -> Case | None:
    """The open case that the gateway registered for an interface that needs this node: the same trouble."""
    if row.kind != "down":
        return None
    reached = {row.node, *graph.affected_by(row.node)}
    alerts = Alert.objects.filter(state__in=["firing", "ending"], case__isnull=False, kind__in=["down", "breaker"])
    for alert in alerts.select_related("channel__interface", "case"):
        interface = alert.channel.interface if alert.channel else None
        case = alert.case
        if interface is not None and interface.key in reached and case and case.category not in {"resolved", "closed"}:
            return case
    return None


def _opened(actor: Actor, row: Trouble, fact: Fact, now: dt.datetime, graph: Graph) -> Case:
    kind, _, code = row.node.partition(":")
    function = BusinessFunction.objects.filter(code=code).first() if kind == "function" else None
    interface = Interface.objects.filter(code=code).first() if kind == "interface" else None
    reach = (
        [graph.nodes[k] for k in graph.affected_by(row.node) if graph.nodes[k].kind == "function"] if row.node else []
    )
    lines = [row.fact]
    if row.began_at:
        lines.append(f"自 {timezone.localtime(row.began_at):%m-%d %H:%M:%S} 起。")
    if reach:
        named = "、".join(n.label for n in sorted(reach, key=lambda n: (not n.window, n.label))[:8])
        lines.append(f"可能影响：{named}{f' 等 {len(reach)} 项业务' if len(reach) > 8 else ''}。")
    lines.append("由监测自动登记；恢复后自动记录并关闭。")
    case = intake.open_case(
        actor,
        intake.NewCase(
            kind="incident", channel=Case.Channel.PROBE, title=f"{row.label}：{row.get_kind_display()}"[:120],
            description="\n".join(lines), severity=fact.severity, system=row.system, function=function,
            interface=interface, key=f"watch:{row.pk}:{now:%Y%m%d%H%M%S}"[:64], tags=["监测"],
        ),
    )  # fmt: skip
    from ..tasks import judge

    judge.defer(case=case.pk)
    return case


def _close(actor: Actor, row: Trouble, now: dt.datetime) -> None:
    """Say that it is over; the case goes as far as its workflow lets the system take it."""
    if row.case is None or row.case.category in {"resolved", "closed"}:
        return
    if Trouble.objects.filter(case=row.case, state__in=ACTIVE).exclude(pk=row.pk).exists():
        return  # another trouble of the same case lasts
    if Alert.objects.filter(case=row.case, state__in=["firing", "ending"]).exists():
        return  # the gateway closes what it opened
    case = Case.objects.get(pk=row.case.pk)
    lasted = duration(now - (row.began_at or row.opened_at or now))
    said = f"已自动恢复，历时 {lasted}。"
    acts.note(actor, case, f"{said}{row.fact}", internal=True)
    if case.assignee_id or case.responded_at:
        _try(actor, case, "restore", {"note": said})
        return  # somebody works on it: whether it is done is theirs to say
    _try(actor, case, "respond", {"note": "自动登记，未及受理已恢复"})
    _try(actor, case, "restore", {"note": said})
    _try(actor, case, "resolve", {
        "cause": f"{row.label}：{row.fact}"[:500], "solution": f"没有人工处理，{said}", "party": "unknown",
    })  # fmt: skip
    _try(actor, case, "confirm", {"note": said})


def _try(actor: Actor, case: Case, key: str, values: dict[str, str]) -> None:
    try:
        with transaction.atomic():
            moves.move(actor, case, key, values)
    except Refused as refusal:
        log.info("case %s stays: %s", case.number, refusal)
