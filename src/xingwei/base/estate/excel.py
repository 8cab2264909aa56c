"""Components, interfaces and parameters from Excel: what a row means, what it would change, and doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.sheet_import import Plan, compare
from xingwei.base.ui.sheets import Field, Sheet, SheetRow

from . import codes, queries, services
from .models import Component, Interface
from .services.base import EstateRefused, check

KINDS = {label: value for value, label in Component.Kind.choices}
DIRECTIONS = {label: value for value, label in Interface.Direction.choices}

_SYSTEM = Field("system", "系统", max_length=60, hint="代码或简称，例如 HIS、医保接口")
_ALIASES = Field("aliases", "别名", kind="list", max_length=400, hint="电话里常用的叫法，用顿号分开")
_ACTIVE = Field("active", "在用", kind="bool")

COMPONENT_FIELDS = (
    Field("code", "代码", kind="code", required=True, max_length=40),
    Field("name", "名称", required=True, max_length=60),
    _SYSTEM,
    Field("kind", "类别", kind="choice", required=True, choices=KINDS),
    Field("location", "位置", max_length=80),
    Field("address", "地址", max_length=120),
    Field("version", "版本型号", max_length=60),
    Field("responsible", "责任方", max_length=80, hint="单位的简称或代码"),
    _ALIASES,
    Field("note", "说明", max_length=2000),
    _ACTIVE,
)
INTERFACE_FIELDS = (
    Field("code", "代码", kind="code", required=True, max_length=40),
    Field("name", "名称", required=True, max_length=60),
    Field("system", "系统", required=True, max_length=60, hint=_SYSTEM.hint),
    Field("peer", "对方系统", max_length=60),
    Field("peer_organisation", "对方单位", max_length=80, hint="单位的简称或代码"),
    Field("protocol", "协议", max_length=60),
    Field("direction", "方向", kind="choice", choices=DIRECTIONS),
    Field("policy", "政策性", kind="bool"),
    Field("clause", "合同条款", max_length=20),
    _ALIASES,
    Field("fallback", "中断时怎么办", max_length=2000),
    Field("note", "说明", max_length=2000),
    _ACTIVE,
)
PARAMETER_FIELDS = (
    Field("system", "系统", required=True, max_length=60, hint=_SYSTEM.hint),
    Field("subsystem", "子系统", max_length=60),
    Field("code", "代码", kind="code", required=True, max_length=60, aliases=("参数代码",)),
    Field("name", "参数名", required=True, max_length=80),
    Field("meaning", "含义", required=True, max_length=2000),
    Field("allowed", "取值", max_length=300),
    Field("default", "默认值", max_length=120),
    Field("current", "现值", max_length=300, hint="与现在不同时，请在“修改原因”里写明为什么"),
    Field("reason", "修改原因", max_length=300),
    Field("effect", "影响", max_length=2000),
    Field("advice", "建议", max_length=2000),
    Field("since", "自版本", max_length=40),
    _ACTIVE,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What can come from Excel. permission: who may import."""

    key: str
    label: str
    fields: tuple[Field, ...]
    permission: str
    url_name: str
    find: Callable[[dict[str, Any]], Any]
    save: Callable[[Actor, Any, dict[str, Any]], None]

    def field(self, key: str) -> Field:
        return next(f for f in self.fields if f.key == key)


def plan(kind: Kind, sheet: Sheet) -> Plan:
    """What the file would change, with every cell that is wrong."""
    out = Plan()
    seen: dict[tuple[Any, Any], int] = {}
    for row in sheet.rows:
        before_errors = len(sheet.errors)
        values = _resolved(kind, sheet, row)
        ident = (getattr(values.get("system"), "pk", None) if kind.key == "parameter" else None, values.get("code"))
        if values.get("code") and ident in seen:
            sheet.error(row, kind.field("code"), f"与第 {seen[ident]} 行重复")
        seen[ident] = row.number
        if _wrong(sheet, row) or len(sheet.errors) > before_errors:
            continue
        found = kind.find(values)
        _judge(kind, sheet, row, found, values)
        now = _shown(kind, found) if found is not None else None
        after = {k: _display(v) for k, v in values.items() if k != "reason"}
        fields = [f for f in kind.fields if f.key != "reason"]
        out.rows.append(
            compare(row.number, f"{values['name']}（{values['code']}）", now, _labelled(kind, after), fields)
        )
    out.errors = list(sheet.errors)
    return out


def apply(kind: Kind, actor: Actor, sheet: Sheet) -> int:
    """Add and change as planned, all or nothing; how many rows. Raises EstateRefused naming the row."""
    with transaction.atomic():
        for row in sheet.rows:
            values = _resolved(kind, sheet, row)
            try:
                kind.save(actor, kind.find(values), values)
            except EstateRefused as error:
                raise EstateRefused(f"第 {row.number} 行：{error}。没有写入任何内容") from None
    return len(sheet.rows)


def _wrong(sheet: Sheet, row: SheetRow) -> bool:
    return any(e.row == row.number for e in sheet.errors)


def _resolved(kind: Kind, sheet: Sheet, row: SheetRow) -> dict[str, Any]:
    """The row's values with systems, subsystems and organisations as rows; unknown ones become errors of their cell."""
    values = dict(row.values)
    if (text := values.get("system")) is not None:
        values["system"] = _look(kind, sheet, row, "system", text, codes.system_of)
    if (text := values.get("subsystem")) is not None:
        system = values.get("system") or None
        values["subsystem"] = _look(kind, sheet, row, "subsystem", text, lambda t: codes.subsystem_of(system, t))
    for name in ("responsible", "peer_organisation"):
        if (text := values.get(name)) is not None:
            values[name] = _look(kind, sheet, row, name, text, codes.organisation_of)
    for name in ("active", "policy"):
        if name in values and values[name] is None:
            del values[name]
    if values.get("direction") == "":
        del values["direction"]
    return values


def _look(
    kind: Kind, sheet: Sheet, row: SheetRow, key: str, text: str, find: Callable[[str], Any]
) -> models.Model | None:
    if not text:
        return None
    found: models.Model | None = find(text)
    if found is None:
        sheet.error(row, kind.field(key), "系统里没有这一个，请核对写法")
    return found


def _judge(kind: Kind, sheet: Sheet, row: SheetRow, found: Any, values: dict[str, Any]) -> None:
    """What only the room can judge: rules of the table, and a value that is changed without a reason."""
    if kind.key == "parameter":
        now = found.current if found is not None else values.get("default", "")
        if "current" in values and values["current"] != now and not values.get("reason"):
            sheet.error(row, kind.field("reason"), f"现值要从“{now}”改为“{values['current']}”，请写明原因")
        return
    if found is None:
        fresh = {"component": Component, "interface": Interface}[kind.key](
            **{k: v for k, v in values.items() if k != "code"}, code=values["code"]
        )
        try:
            check(fresh)
        except EstateRefused as error:
            sheet.error(row, kind.field("code"), str(error))


def _shown(kind: Kind, row: Any) -> dict[str, Any]:
    keys = [f.key for f in kind.fields if f.key != "reason"]
    return _labelled(kind, {key: _display(getattr(row, key)) for key in keys})


def _display(value: Any) -> Any:
    return getattr(value, "short_name", None) or (str(value) if isinstance(value, models.Model) else value)


def _labelled(kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    """Choices as their labels, so that the preview speaks Chinese."""
    out = dict(values)
    for field in kind.fields:
        if field.kind == "choice" and out.get(field.key):
            out[field.key] = next((k for k, v in field.choices.items() if v == out[field.key]), out[field.key])
    return out


def _save_part(kind: str) -> Callable[[Actor, Any, dict[str, Any]], None]:
    def save(actor: Actor, row: Any, values: dict[str, Any]) -> None:
        if row is None:
            services.add_part(actor, kind, values)
        else:
            services.change_part(actor, row, {k: v for k, v in values.items() if k != "code"})

    return save


def _save_parameter(actor: Actor, row: Any, values: dict[str, Any]) -> None:
    current, reason = values.pop("current", None), values.pop("reason", "")
    now = row.current if row is not None else values.get("default", "")
    saved = services.change_parameter(actor, row, values)
    if current is not None and current != now:
        services.set_parameter_value(actor, saved, current, reason)


COMPONENTS = Kind(
    "component",
    "部件",
    COMPONENT_FIELDS,
    "estate.system:change",
    "estate:components",
    lambda v: Component.objects.filter(code=v["code"]).first(),
    _save_part("component"),
)
INTERFACES = Kind(
    "interface",
    "接口",
    INTERFACE_FIELDS,
    "estate.system:change",
    "estate:interfaces",
    lambda v: Interface.objects.filter(code=v["code"]).first(),
    _save_part("interface"),
)
PARAMETERS = Kind(
    "parameter",
    "参数",
    PARAMETER_FIELDS,
    "estate.parameter:change",
    "estate:parameters",
    lambda v: queries.parameters().filter(system=v["system"], code=v["code"]).first() if v.get("system") else None,
    _save_parameter,
)

__all__ = ["COMPONENTS", "INTERFACES", "PARAMETERS", "Kind", "apply", "plan"]
