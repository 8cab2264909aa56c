"""A hospital's gateway from files: adds what is missing, changes channels that differ, and drafts what people had changed.

What was released by hand is never overwritten: the file's version becomes a draft that somebody releases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from xingwei.base.estate.models import Interface, System
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import FileProblems, Problem, Source

from .. import files
from ..channels import base as kinds
from ..engine import rules
from ..models import Channel, CodeMap, Route
from ..queries import released
from . import catalogue, critical, plan_files, versions
from . import channels as channel_services
from .base import GatewayRefused
from .plans import PlanRefused


@dataclass(slots=True)
class Imported:
    """added, changed: number by kind of thing. drafts: what waits for somebody's release. skipped: sentences."""

    added: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    drafts: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        def said(counts: Counter[str]) -> str:
            return "、".join(f"{name} {n}" for name, n in counts.items() if n) or "无"

        waiting = f"；等人复核的草稿：{'、'.join(self.drafts)}" if self.drafts else ""
        return f"新增：{said(self.added)}；更改：{said(self.changed)}{waiting}"


def check(path: Path) -> list[str]:
    """Everything that is wrong with the files, as Chinese sentences, judged by the kinds' schemas and the rules' own
    compiler; empty when all is well. Needs no database."""
    try:
        source = files.read_directory(path)
    except FileProblems as error:
        return [str(p) for p in error.problems]
    return [str(source.locate(p)) for p in _problems(source)]


def import_gateway(
    actor: Actor,
    path: Path,
    *,
    skip_missing: bool = False,
    keep_channels: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Import a directory of YAML files in one transaction. Raises GatewayRefused with file, line and field.

    skip_missing: leave out channels whose protocol this product does not have, and what depends on them.
    keep_channels: leave channels that are there as they are, whatever the file says.
    """
    require(actor, "gateway.channel:change")
    try:
        source = files.read_directory(path)
    except FileProblems as error:
        raise GatewayRefused(str(error)) from None
    problems = [p for p in _problems(source) if not (skip_missing and p.message.startswith("没有“"))]
    if problems:
        raise GatewayRefused("\n".join(str(source.locate(p)) for p in problems))
    with transaction.atomic():
        made = _Import(actor, source, skip_missing, progress)
        made.keep_channels = keep_channels
        return made.run()


def _problems(source: Source) -> list[Problem]:
    document = source.document
    found: list[Problem] = []
    for at, item in enumerate(document.get("channels") or []):
        for group, path, message in channel_services.problems_of(item):
            place: tuple[str | int, ...] = ("channels", at, group, *(path.split(".") if path else ()))
            found.append(Problem(message, place))
    maps = {m["code"]: rules.CodeMapDoc.of(m, m["name"]) for m in document.get("maps") or []}
    of_code = {c["code"]: c for c in document.get("channels") or []}
    for at, item in enumerate(document.get("routes") or []):
        found += [Problem(text, ("routes", at, *place)) for text, place in _route_problems(item, of_code, maps)]
    for at, item in enumerate(document.get("plans") or []):
        if of_code.get(item["channel"], {}).get("direction") != "out":
            found.append(Problem(f"没有送出通道“{item['channel']}”", ("plans", at, "channel")))
        found += [Problem(text, ("plans", at)) for text in plan_files.problems_of(item)]
    return found


def _route_problems(
    item: Mapping[str, Any], channels: Mapping[str, Any], maps: Mapping[str, rules.CodeMapDoc]
) -> list[tuple[str, tuple[str | int, ...]]]:
    from jsonschema import Draft202012Validator

    source = channels.get(item["source"])
    if source is None or source["direction"] != "in":
        return [(f"没有接入通道“{item['source']}”", ("source",))]
    wrong = [
        (f"规则写法不对：{e.message[:200]}", ("document", *e.absolute_path))
        for e in Draft202012Validator(released.schema()).iter_errors(item["document"])
    ]
    if wrong:
        return wrong
    kind = released.document_of(source["kind"], source["settings"])
    try:
        compiled = rules.compile(item["document"], maps, kind)
    except rules.RuleProblem as problem:
        return [(str(problem), ("document",))] if kind != "bytes" else []
    outs = {code for code, c in channels.items() if c["direction"] == "out"}
    able = {code for code in outs if channels[code]["settings"].get("lookup")}
    found: list[tuple[str, tuple[str | int, ...]]] = [
        (f"没有送出通道“{code}”", ("document", "to")) for code in compiled.targets if code not in outs
    ]
    for code in compiled.sources:
        if code not in able:
            found.append((f"送出通道“{code}”没有写明怎样查询", ("document", "rules")))
    return found


class _Import:
    def __init__(
        self, actor: Actor, source: Source, skip_missing: bool, progress: Callable[[int, int], None] | None
    ) -> None:
        self.actor = actor
        self.source = source
        self.skip_missing = skip_missing
        self.progress = progress
        self.done = Imported()
        self.systems = {s.code: s for s in System.objects.all()}
        self.interfaces = {i.code: i for i in Interface.objects.all()}
        self.channels = {c.code: c for c in Channel.objects.all()}
        self.left_out: set[str] = set()
        self.keep_channels = False

    def run(self) -> Imported:
        document = self.source.document
        works = {"channels": self._channel, "maps": self._map, "routes": self._route, "plans": self._plan}
        steps = [
            (work, name, at, item) for name, work in works.items() for at, item in enumerate(document.get(name) or [])
        ]
        for number, (work, name, at, item) in enumerate(steps, start=1):
            try:
                work(item)
            except (GatewayRefused, PlanRefused) as refused:
                raise GatewayRefused(str(self.source.locate(Problem(str(refused), (name, at))))) from None
            if self.progress:
                self.progress(number, len(steps))
        services, subscriptions = catalogue.import_services(self.actor, document.get("services") or [])
        self.done.added += Counter({"服务": services, "订阅": subscriptions})
        if changed := critical.import_rules(self.actor, document.get("critical") or []):
            self.done.changed["危急值界限"] += changed
        return self.done

    def _plan(self, item: Mapping[str, Any]) -> None:
        if item["channel"] in self.left_out:
            self.done.skipped.append(f"方案 {item['code']}：通道 {item['channel']} 没有导入")
            return
        for version in plan_files.import_plans(self.actor, [item]):
            if version.state == version.State.APPROVED:
                self.done.added["熔断方案"] += 1
            else:
                self.done.drafts.append(f"方案 {item['code']}")

    def _channel(self, item: Mapping[str, Any]) -> None:
        if self.skip_missing and not _known(item["kind"]):
            self.left_out.add(item["code"])
            self.done.skipped.append(f"通道 {item['code']}：没有“{item['kind']}”这种协议")
            return
        values = {k: item[k] for k in channel_services.FIELDS if k in item}
        values |= {group: item.get(group, {}) for group in channel_services.GROUPS}
        values["system_id"] = self._system(item["system"]).pk
        interface = self.interfaces.get(item.get("interface", ""))
        if item.get("interface") and interface is None and not self.skip_missing:
            raise GatewayRefused(f"没有接口“{item['interface']}”，请先登记，或去掉这一项")
        values["interface_id"] = interface.pk if interface else None
        row = self.channels.get(item["code"])
        if row is None:
            made = {"code": item["code"], "state": item.get("state", "running"), **values}
            self.channels[item["code"]] = channel_services.add_channel(self.actor, made)
            self.done.added["通道"] += 1
            return
        if self.keep_channels:
            return
        after = channel_services.change_channel(self.actor, row, values)
        self.done.changed["通道"] += after.version != row.version
        self.channels[item["code"]] = after

    def _map(self, item: Mapping[str, Any]) -> None:
        row, new = CodeMap.objects.get_or_create(
            code=item["code"], defaults={"name": item["name"], "system": self._system(item["system"])}
        )
        document = {k: item[k] for k in ("pairs", "missing", "default") if k in item}
        document.setdefault("missing", "keep")
        self._put(row, document, item.get("note", ""), new=new, label="编码对照")

    def _route(self, item: Mapping[str, Any]) -> None:
        needed = {item["source"], *item["document"]["to"]}
        if needed & self.left_out:
            self.done.skipped.append(f"路由 {item['code']}：它的通道没有导入")
            return
        source = self.channels[item["source"]]
        row, new = Route.objects.get_or_create(
            code=item["code"], defaults={"name": item["name"], "source": source, "system": source.system}
        )
        self._put(row, item["document"], item.get("note", ""), new=new, label="路由")

    def _put(self, row: Any, document: Mapping[str, Any], note: str, *, new: bool, label: str) -> None:
        version = versions.put(self.actor, row, document, note)
        if version is None:
            return
        (self.done.added if new else self.done.changed)[label] += 1
        if version.state == "draft":
            self.done.drafts.append(str(version))

    def _system(self, code: str) -> System:
        found: System | None = self.systems.get(code)
        if found is None:
            raise GatewayRefused(f"没有系统“{code}”，请先导入系统台账（xingwei estate import）")
        return found


def _known(kind: str) -> bool:
    try:
        kinds.kind(kind)
    except kinds.ChannelProblem:
        return False
    return True
