"""The estate from files: adds what is missing, changes what differs, takes nothing away; harmless when repeated."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from xingwei.base.accounts.models import Department, Organisation, User
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import FileProblems

from .. import files
from ..models import Parameter, ParameterValue, ServiceWindow
from . import links, parameters, parts
from .base import EstateRefused, values_of

FIRST_VALUE = "导入参数字典时登记的现值"
_SINGULAR = {
    "systems": "system",
    "subsystems": "subsystem",
    "functions": "function",
    "components": "component",
    "interfaces": "interface",
}


@dataclass(slots=True)
class Imported:
    """added, changed: number by kind of thing. skipped: people and organisations that are not there, as sentences."""

    added: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        def said(counts: Counter[str]) -> str:
            return "、".join(f"{name} {n}" for name, n in counts.items() if n) or "无"

        return f"新增：{said(self.added)}；更改：{said(self.changed)}"


def check_estate(path: Path) -> list[str]:
    """Everything that is wrong with the files by themselves, as Chinese sentences; empty when all is well."""
    try:
        files.read_directory(path)
    except FileProblems as error:
        return [str(p) for p in error.problems]
    return []


def import_estate(
    actor: Actor, path: Path, *, skip_missing: bool = False, progress: Callable[[int, int], None] | None = None
) -> Imported:
    """Import a directory of YAML files in one transaction. Raises EstateRefused with file, line and field.

    skip_missing: leave out owners and organisations that are not there yet, instead of refusing.
    progress is told (things done, things in all).
    """
    require(actor, "estate.system:change")
    try:
        document = files.read_directory(path)
    except FileProblems as error:
        raise EstateRefused(str(error)) from None
    with transaction.atomic():
        return _Import(actor, document, skip_missing, progress).run()


class _Import:
    def __init__(
        self,
        actor: Actor,
        document: Mapping[str, Any],
        skip_missing: bool,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.actor = actor
        self.document = document
        self.skip_missing = skip_missing
        self.progress = progress
        self.done = Imported()
        self.organisations = {o.code: o for o in Organisation.objects.all()}
        self.people = {u.username: u for u in User.objects.all()}
        self.departments = list(Department.objects.filter(active=True))
        self.owners: list[tuple[str, User, str]] = []
        self.parameters = {(p.system_id, p.code): p for p in Parameter.objects.all()}
        self.set_already = set(ParameterValue.objects.values_list("parameter_id", flat=True))
        self.rows: dict[str, dict[str, Any]] = {
            kind: {r.code: r for r in model._default_manager.all()}  # type: ignore[attr-defined]
            for kind, model in parts.PARTS.items()
        }

    def run(self) -> Imported:
        steps = list(self._steps())
        for number, step in enumerate(steps, start=1):
            step()
            if self.progress:
                self.progress(number, len(steps))
        self._count("负责人", self.done.added, len(links.add_owners(self.actor, self.owners)))
        edges = [edge for edge, _ in files.edges_of(self.document)]
        self._count("依赖", self.done.added, len(links.add_dependencies(self.actor, edges)))
        return self.done

    def _steps(self) -> Iterator[Callable[[], None]]:
        for order, item in enumerate(self.document["systems"]):
            yield lambda item=item, order=order: self._system(item, order)  # type: ignore[misc]
        for kind in ("components", "interfaces", "functions"):
            for item in self.document[kind]:
                yield lambda kind=_SINGULAR[kind], item=item: self._part(kind, item)  # type: ignore[misc]
        for item in self.document["parameters"]:
            yield lambda item=item: self._parameter(item)  # type: ignore[misc]

    def _system(self, item: Mapping[str, Any], order: int) -> None:
        system = self._part("system", {**item, "order": order})
        for sub in item.get("subsystems") or []:
            self._part("subsystem", {**sub, "system": system.code})
        known = {(w.kind, w.weekdays, w.start, w.end) for w in ServiceWindow.objects.filter(system=system)}
        for window in item.get("windows") or []:
            start, end = dt.time.fromisoformat(window["from"]), dt.time.fromisoformat(window["to"])
            days = "".join(sorted(set(window.get("weekdays", "1234567"))))
            if (window["kind"], days, start, end) not in known:
                links.add_window(self.actor, system, window["kind"], days, start, end, window.get("note", ""))
                self._count("时段", self.done.added)

    def _part(self, kind: str, item: Mapping[str, Any]) -> Any:
        values = self._values(kind, item)
        row = self.rows[kind].get(item["code"])
        if row is None:
            row = parts.add_part(self.actor, kind, {"code": item["code"], **values})
            self._count(parts.LABELS[kind], self.done.added)
        elif self._differs(row, values):
            row = parts.change_part(self.actor, row, values)
            self._count(parts.LABELS[kind], self.done.changed)
        self.rows[kind][row.code] = row
        if item.get("owners"):
            self._owners(f"{kind}:{row.code}", item["owners"])
        return row

    def _values(self, kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: item[name] for name in parts.FIELDS[kind] if name in item}
        for name in ("vendor", "responsible", "peer_organisation"):
            if name in values and (found := self._organisation(values[name])) is None:
                del values[name]
            elif name in values:
                values[name] = found
        if kind != "system" and "system" in values:
            values["system"] = self._known("system", values["system"])
        if "subsystem" in values:
            values["subsystem"] = self._known("subsystem", values["subsystem"])
        if kind == "function" and ("departments" in item or "department_kinds" in item):
            values["departments"] = self._departments(item)
        return values

    def _parameter(self, item: Mapping[str, Any]) -> None:
        values = {name: item[name] for name in parameters.FIELDS if name in item}
        values["system"] = self._known("system", item["system"])
        if "subsystem" in values:
            values["subsystem"] = self._known("subsystem", values["subsystem"])
        row = self.parameters.get((values["system"].pk, item["code"]))
        if row is None:
            row = parameters.change_parameter(self.actor, None, {"code": item["code"], **values})
            self._count("参数", self.done.added)
        elif self._differs(row, values):
            row = parameters.change_parameter(self.actor, row, values)
            self._count("参数", self.done.changed)
        if "value" in item and row.pk not in self.set_already:
            parameters.set_parameter_value(self.actor, row, item["value"], FIRST_VALUE)

    def _owners(self, subject: str, wanted: Iterable[Mapping[str, str]]) -> None:
        for owner in wanted:
            person = self.people.get(owner["person"])
            if person is None:
                self._missing(f"没有工号为“{owner['person']}”的人员（{subject} 的负责人）")
            else:
                self.owners.append((subject, person, owner.get("part", "owner")))

    def _departments(self, item: Mapping[str, Any]) -> list[Department]:
        kinds, wanted = set(item.get("department_kinds") or ()), set(item.get("departments") or ())
        found = [d for d in self.departments if d.kind in kinds or d.name in wanted or d.code in wanted]
        for name in sorted(wanted - {d.name for d in found} - {d.code for d in found}):
            self._missing(f"没有“{name}”这个科室（{item['name']}）")
        return found

    def _organisation(self, code: str) -> Organisation | None:
        found = self.organisations.get(code)
        if found is None:
            self._missing(f"没有代码为“{code}”的单位")
        return found

    def _known(self, kind: str, code: str) -> Any:
        if code not in self.rows[kind]:
            raise EstateRefused(f"没有代码为“{code}”的{parts.LABELS[kind]}")
        return self.rows[kind][code]

    def _missing(self, said: str) -> None:
        if not self.skip_missing:
            raise EstateRefused(f"{said}。请先导入人员与单位，或选择略过")
        self.done.skipped.append(said)

    @staticmethod
    def _differs(row: Any, values: Mapping[str, Any]) -> bool:
        now = values_of(row, list(values))
        return any(now[name] != _comparable(value) for name, value in values.items())

    @staticmethod
    def _count(name: str, counts: Counter[str], by: int = 1) -> None:
        counts[name] += by


def _comparable(value: Any) -> Any:
    if isinstance(value, list) and value and hasattr(value[0], "pk"):
        return sorted(row.pk for row in value)
    return getattr(value, "pk", value)
