"""Checks over what the watch sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from xingwei.operations.watch.models import Job, Probe, ProbeState, Trouble

from . import Finding, register

_BAD = ("down", "warn")


@register("probes", "拨测都正常", kinds=(), codes=())
def probes(given: Mapping[str, Any], system: str) -> Finding:
    """The probes of the system (of these kinds, or these very ones) are neither down nor beyond a limit."""
    rows = Probe.objects.filter(active=True)
    if given["codes"]:
        rows = rows.filter(code__in=list(given["codes"]))
    elif system:
        rows = rows.filter(system__code=system)
    if given["kinds"]:
        rows = rows.filter(kind__in=list(given["kinds"]))
    names = dict(rows.values_list("pk", "name"))
    if not names:
        return Finding(None, "没有这类拨测，请人工检查")
    states = list(ProbeState.objects.filter(probe_id__in=names))
    bad = [s for s in states if s.state in _BAD]
    unseen = len(names) - len([s for s in states if s.state])
    if bad:
        worst = "；".join(f"{names[s.probe_id]}：{s.said}" for s in bad[:3])
        return Finding(False, f"{len(bad)} 项异常：{worst}"[:300], len(bad))
    if unseen:
        return Finding(None, f"{unseen} 项还没有结果，请人工检查")
    return Finding(True, f"{len(names)} 项都正常", 0)


@register("troubles", "没有未恢复的故障")
def troubles(_given: Mapping[str, Any], system: str) -> Finding:
    """The watch knows of no trouble at the system that has not ended."""
    rows = Trouble.objects.exclude(state="quiet").filter(muted=False)
    found = list((rows.filter(system__code=system) if system else rows).order_by("since")[:50])
    if found:
        first = found[0]
        since = timezone.localtime(first.since)
        return Finding(False, f"{len(found)} 项未恢复：{first.label} 自 {since:%m-%d %H:%M}", len(found))
    return Finding(True, "没有", 0)


@register("jobs", "定时任务按时完成")
def jobs(_given: Mapping[str, Any], system: str) -> Finding:
    """Every job that must run has said so in time."""
    rows = Job.objects.filter(active=True)
    rows = rows.filter(system__code=system) if system else rows
    bad = [j.name for j in rows if j.state in ("late", "failed")]
    if bad:
        return Finding(False, f"{len(bad)} 项没有按时完成：{'、'.join(bad[:4])}", len(bad))
    count = rows.count()
    return Finding(True if count else None, f"{count} 项都按时" if count else "没有登记任务，请人工检查", 0)
