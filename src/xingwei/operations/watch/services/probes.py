"""Probes: added, changed, paused, looked at now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection, transaction
from jsonschema import Draft202012Validator

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import BusinessFunction, System
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import Source, validate

from ..models import Probe
from ..probes.base import ProbeProblem, kind
from ..runner.secrets import fields, sealed
from .base import WatchRefused, announce

LIMITS: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["signal"],
        "additionalProperties": False,
        "properties": {
            "signal": {"type": "string", "minLength": 1, "maxLength": 80},
            "warn": {"type": ["number", "null"]},
            "down": {"type": ["number", "null"]},
            "below": {"type": "boolean"},
            "for_s": {"type": "number", "minimum": 0, "maximum": 86400},
        },
    },
}
FIELDS = ("name", "kind", "node", "every_s", "timeout_s", "fails", "severity", "active", "note")


def problems_of(values: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """(what is wrong, in Chinese; where) of a probe's kind, settings and limits."""
    try:
        found = kind(str(values.get("kind")))
    except ProbeProblem as unknown:
        yield str(unknown), ("kind",)
        return
    document = {"settings": values.get("settings") or {}, "limits": values.get("limits") or []}
    schema = {"type": "object", "properties": {"settings": found.schema, "limits": LIMITS}}
    for problem in validate(Source(document, {}), schema):
        yield problem.message, problem.path
    if not any(True for _ in Draft202012Validator(schema).iter_errors(document)):
        check = getattr(__import__(f"xingwei.operations.watch.probes.{found.code}", fromlist=["x"]), "check", None)
        if check is not None:
            for text, path in check(document["settings"]):
                yield text, ("settings", *path)
    every, timeout = float(values.get("every_s") or 60), float(values.get("timeout_s") or 5)
    if timeout >= every and found.look is not None:
        yield f"超时 {timeout:g} 秒应短于间隔 {every:g} 秒", ("timeout_s",)


def save(actor: Actor, code: str, values: Mapping[str, Any]) -> Probe:
    """Add a probe or change it; the same values change nothing. Raises WatchRefused with all that is wrong."""
    require(actor, "watch.probe:change")
    wrong = [f"{'.'.join(map(str, path))}：{text}" if path else text for text, path in problems_of(values)]
    if wrong:
        raise WatchRefused("；".join(wrong))
    node = str(values.get("node") or "")
    label, system, function = resolve(node)
    with transaction.atomic():
        row = Probe.objects.select_for_update().filter(code=code).first()
        new = row is None
        row = row or Probe(code=code, version=0)
        before = {} if new else _kept(row)
        for name in FIELDS:
            if name in values:
                setattr(row, name, values[name])
        row.system, row.function = system, function if values.get("walks") else None
        row.settings = sealed(code, row.kind, values.get("settings") or {}, row.settings or {})
        row.limits = list(values.get("limits") or [])
        after = _kept(row)
        if after == before:
            return row
        row.full_clean(exclude=["system", "function", "settings", "limits"])
        row.version += 1
        row.save()
        verb, said = ("add", "新增") if new else ("change", "修改")
        record(actor, f"watch.probe.{verb}", row, f"{said}拨测 {row.name}（{label}）",
               before=_shown(before) if before else None, after=_shown(after))  # fmt: skip
        announce()
    return row


def switch(actor: Actor, probe: Probe, *, active: bool, reason: str) -> Probe:
    """Pause a probe or let it run again."""
    require(actor, "watch.probe:change", probe)
    with transaction.atomic():
        row: Probe = Probe.objects.select_for_update().get(pk=probe.pk)
        if row.active != active:
            row.active = active
            row.version += 1
            row.save(update_fields=["active", "version", "updated_at"])
            word = "启用" if active else "停用"
            record(actor, "watch.probe.switch", row, f"{word}拨测 {row.name}：{reason}", after={"active": active})
            announce()
    return row


def remove(actor: Actor, probe: Probe, *, reason: str) -> None:
    """Delete a probe and its series; what was measured goes with the partitions."""
    require(actor, "watch.probe:change", probe)
    with transaction.atomic():
        record(actor, "watch.probe.remove", probe, f"删除拨测 {probe.name}：{reason}", before=_shown(_kept(probe)))
        probe.delete()
        announce()


def look_now(actor: Actor, probe: Probe) -> None:
    """Ask whoever holds the probe to look at once. Raises WatchRefused where nobody watches."""
    require(actor, "watch.probe:look", probe)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM watch_lease WHERE share = %s AND process_id IS NOT NULL AND expires_at > clock_timestamp()",
            [probe.pk % 64],
        )
        if cursor.fetchone() is None:
            raise WatchRefused("现在没有监测进程在运行，不能拨测。请先在“运行与备份”页看监测进程的状态。")
    if not probe.active:
        raise WatchRefused("这个拨测停用着，请先启用。")
    announce(f"now:{probe.pk}")


def resolve(node: str) -> tuple[str, System | None, BusinessFunction | None]:
    """(name, system, function) of a key of the estate's graph. Raises WatchRefused for one that is not there."""
    found = estate.graph().nodes.get(node) or estate.read_graph().nodes.get(node)  # the first is kept for seconds
    if found is None:
        raise WatchRefused(f"系统台账里没有“{node}”：应写成 component:代码、interface:代码 或 function:代码。")
    function = (
        BusinessFunction.objects.filter(code=node.partition(":")[2]).first() if found.kind == "function" else None
    )
    system = function.system if function else System.objects.filter(code=found.system).first() if found.system else None
    return found.label, system, function


def _kept(row: Probe) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in FIELDS}
    kept |= {"settings": dict(row.settings), "limits": list(row.limits), "function": row.function_id}
    kept["timeout_s"], kept["every_s"] = float(kept["timeout_s"]), int(kept["every_s"])
    return kept


def _shown(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Without secrets: what is sealed is not for the journal."""
    hidden = set(fields(kept["kind"]))
    settings = {k: "（口令）" if k in hidden else v for k, v in kept["settings"].items()}
    return {**kept, "settings": settings}
