"""Looking at the quality of what came in: counts by rule and day, issues that stay until they are gone, cases."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, Sum
from django.utils import timezone

from xingwei.base.estate.models import System
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.policy.querysets import require
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import intake
from xingwei.service.desk.services.base import Refused

from ..engine import quality as engine
from ..engine.datasets import Dataset, datasets
from ..models import Mapping, QualityCount, QualityIssue, RuleOfHouse
from ..queries.parts import parts
from ..session import FIRST, LAST, scan
from ..session import engine as duck
from .base import LakeRefused

log = logging.getLogger(__name__)
WINDOW = 30  # days that an issue is judged by
MEMORY_MB = 384


def rules(dataset: Dataset) -> list[engine.Rule]:
    extra = RuleOfHouse.objects.filter(dataset=dataset.code).values_list("document", flat=True)
    return engine.rules_of(dataset, extra)


def look(dataset: str, days: Iterable[dt.date] | None = None) -> int:
    """Count what every rule finds in the days (None: all days there are), and settle the issues.

    Returns how many counts were written. A snapshot counts under today.
    """
    known = datasets()[dataset]
    wanted = sorted(days) if days is not None else None
    if known.day and wanted == []:
        return 0
    since, until = (wanted[0], wanted[-1]) if wanted and known.day else (FIRST, LAST)
    found = parts(dataset, since, until)
    chosen = [p.path for p in found if wanted is None or not known.day or p.day in set(wanted)]
    if not chosen:
        return 0
    with duck(memory_mb=MEMORY_MB, threads=1) as db:
        counts = _count(db, known, chosen)
    now = timezone.now()
    with transaction.atomic():
        for (rule, day), (looked, bad, samples) in counts.items():
            QualityCount.objects.update_or_create(
                dataset=dataset,
                rule=rule,
                day=day,
                defaults={"looked": looked, "bad": bad, "samples": samples, "at": now},
            )
        changed = _settle(known, now)
    for issue in changed:
        _call(issue)
    return len(counts)


def open_case(actor: Actor, issue: QualityIssue) -> Case:
    """A case for somebody to look into it; the same issue has one. Raises LakeRefused."""
    require(actor, "lake.quality:follow", issue)
    try:
        case = _open(actor, issue)
    except Refused as refused:
        raise LakeRefused(str(refused)) from None
    return case


def accept(actor: Actor, issue: QualityIssue, note: str) -> None:
    """It is known and lived with: it calls nobody any more, and is counted on. Raises LakeRefused without a reason."""
    require(actor, "lake.quality:follow", issue)
    reason = " ".join(note.split())[:200]
    if len(reason) < 2:
        raise LakeRefused("请写明为什么接受，别人看得懂。")
    with transaction.atomic():
        QualityIssue.objects.filter(pk=issue.pk).update(
            state=QualityIssue.State.ACCEPTED, note=reason, noted_by=actor.id
        )
        record(actor, "lake.quality.accept", issue, f"接受数据质量问题“{issue.title}”：{reason}")


def reopen(actor: Actor, issue: QualityIssue) -> None:
    """It is to be solved after all."""
    require(actor, "lake.quality:follow", issue)
    with transaction.atomic():
        QualityIssue.objects.filter(pk=issue.pk, state=QualityIssue.State.ACCEPTED).update(
            state=QualityIssue.State.OPEN
        )
        record(actor, "lake.quality.reopen", issue, f"重新跟进数据质量问题“{issue.title}”")


def _count(db: Any, dataset: Dataset, paths: list[Any]) -> dict[tuple[str, dt.date], tuple[int, int, list[str]]]:
    today = timezone.localdate()
    if dataset.day:
        one = dataset.field(dataset.day)
        day = f"CAST(timezone('Asia/Shanghai', \"{one.name}\") AS DATE)" if one.type == "time" else f'"{one.name}"'
    else:
        day = f"DATE '{today.isoformat()}'"
    db.execute(f"CREATE VIEW rows AS SELECT {day} AS day, * FROM ({scan(dataset, paths)})")  # noqa: S608 - own names
    listed = rules(dataset)
    row_wise = [r for r in listed if r.bad]
    found: dict[tuple[str, dt.date], tuple[int, int, list[str]]] = {}
    looked: dict[dt.date, int] = {}
    for one_day, total, *bad in db.execute(engine.counting(dataset, listed)).fetchall():
        looked[one_day] = total
        for rule, n in zip(row_wise, bad, strict=True):
            keys = [r[0] for r in db.execute(engine.samples(rule, one_day.isoformat())).fetchall()] if n else []
            found[rule.code, one_day] = (total, n, keys)
    for rule in listed:
        if rule.bad:
            continue
        groups: dict[dt.date, list[str]] = {}
        for one_day, key in _whole(db, dataset, rule):
            groups.setdefault(one_day, []).append(key)
        for one_day, total in looked.items():
            keys = groups.get(one_day, [])
            found[rule.code, one_day] = (total, len(keys), keys[: engine.SAMPLES])
    return found


def _whole(db: Any, dataset: Dataset, rule: engine.Rule) -> list[tuple[dt.date, str]]:
    """Rows that are bad together with others: keys twice, references that lead nowhere."""
    if rule.refers is None:
        return list(db.execute(engine.duplicates(dataset)).fetchall())
    target = datasets()[rule.refers[0]]
    paths = [p.path for p in parts(target.code, FIRST, LAST)]
    if not paths:
        return []  # nothing was extracted there yet: it cannot be judged
    db.execute(f"CREATE OR REPLACE VIEW others AS {scan(target, paths)}")
    return list(db.execute(engine.orphans(rule)).fetchall())


def _settle(dataset: Dataset, now: dt.datetime) -> list[QualityIssue]:
    """Open, carry on and close issues by the counts of the last days; returns those that call people."""
    since = timezone.localdate(now) - dt.timedelta(days=WINDOW)
    listed = {r.code: r for r in rules(dataset)}
    rows = QualityCount.objects.filter(dataset=dataset.code, day__gte=since, bad__gt=0).values("rule")
    bad = {r["rule"]: r for r in rows.annotate(n=Sum("bad"), first=Min("day"), last=Max("day"))}
    open_ones = {
        i.rule: i
        for i in QualityIssue.objects.select_for_update().filter(dataset=dataset.code).exclude(state="resolved")
    }
    calling = []
    for code, found in bad.items():
        rule = listed.get(code)
        if rule is None:
            continue
        counts = QualityCount.objects.filter(dataset=dataset.code, rule=code, day__gte=since, bad__gt=0)
        share = max(c.bad / c.looked for c in counts)
        issue = open_ones.pop(code, None) or QualityIssue(dataset=dataset.code, rule=code, opened_at=now)
        issue.title, issue.kind = f"{dataset.title}：{rule.title}", rule.kind
        issue.first_day, issue.last_day, issue.bad, issue.share = found["first"], found["last"], found["n"], share
        issue.alarming = share > rule.alarm
        issue.save()
        if issue.alarming and issue.state == QualityIssue.State.OPEN and not issue.case_number:
            calling.append(issue)
    for gone in open_ones.values():
        gone.state, gone.resolved_at = QualityIssue.State.RESOLVED, now
        gone.save()
    return calling


def _call(issue: QualityIssue) -> None:
    try:
        _open(system_actor("task"), issue)
    except Refused as refused:  # the desk does not take it now; the next look asks again
        log.warning("quality %s/%s: %s", issue.dataset, issue.rule, refused)


def _open(actor: Actor, issue: QualityIssue) -> Case:
    system = System.objects.filter(
        pk__in=Mapping.objects.filter(dataset=issue.dataset).values("connection__system")
    ).first()
    text = (
        f"数据质量：{issue.title}。{issue.first_day:%m-%d} 至 {issue.last_day:%m-%d} 共 {issue.bad:,} 行，"
        f"最多的一天占 {issue.share:.1%}。请查原因并在业务系统里改正；改正后重新抽取，问题自行消失。"
    )
    with transaction.atomic():
        case = intake.open_case(
            actor,
            intake.NewCase(
                kind="hazard",
                title=f"数据质量：{issue.title}"[:60],
                description=text,
                channel=Case.Channel.PROBE,
                system=system,
                key=f"lake.quality:{issue.pk}",
            ),
        )
        QualityIssue.objects.filter(pk=issue.pk).update(case_number=case.number)
        record(actor, "lake.quality.case", issue, f"为“{issue.title}”开问题单 {case.number}")
    issue.case_number = case.number
    return case
