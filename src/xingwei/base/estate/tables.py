"""Tables of the estate. The same columns go to Excel and come back from it (excel.py)."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html

from xingwei.base.ui.table import Column, Table


def yes(path: str) -> Any:
    return lambda row: "是" if getattr(row, path) else "否"


def words(row: Any) -> str:
    return "、".join(row.aliases)


def cut(text: str, width: int) -> Any:
    return format_html('<div class="xw-cut" style="max-width:{}px" title="{}">{}</div>', width, text, text or "—")


def current(row: Any) -> Any:
    """The value in force; bold where it is not the default."""
    shown = cut(row.current, 140)
    return shown if row.current == row.default else format_html("<b>{}</b>", shown)


class ComponentTable(Table):
    caption = "部件"
    columns = (
        Column("code", "代码", kind="id", drop=True),
        Column("name", "名称", kind="title"),
        Column("system", "系统", "system.short_name"),
        Column("kind", "类别", "get_kind_display"),
        Column("location", "位置", cell=lambda r: cut(r.location, 180), drop=True),
        Column("address", "地址", "shown_address", drop=True),
        Column("version", "版本型号", drop=True),
        Column("responsible", "责任方", "responsible.short_name", label_on_phone=True),
        Column("active", "在用", yes("active"), drop=True),
    )


class ComponentSheet(Table):
    columns = (
        *ComponentTable.columns,
        Column("aliases", "别名", words),
        Column("note", "说明"),
    )


class InterfaceTable(Table):
    caption = "接口"
    columns = (
        Column("code", "代码", kind="id", drop=True),
        Column("name", "名称", kind="title"),
        Column("system", "系统", "system.short_name"),
        Column("peer", "对方系统", label_on_phone=True),
        Column("peer_organisation", "对方单位", "peer_organisation.short_name", drop=True),
        Column("protocol", "协议", cell=lambda r: cut(r.protocol, 150), drop=True),
        Column("direction", "方向", "get_direction_display"),
        Column("policy", "政策性", yes("policy"), drop=True),
        Column("active", "在用", yes("active"), drop=True),
    )


class InterfaceSheet(Table):
    columns = (
        *InterfaceTable.columns,
        Column("clause", "合同条款"),
        Column("aliases", "别名", words),
        Column("fallback", "中断时怎么办"),
        Column("note", "说明"),
    )


class ParameterTable(Table):
    caption = "参数字典"
    columns = (
        Column("system", "系统", "system.short_name"),
        Column("code", "代码", kind="id"),
        Column("name", "参数名", kind="title"),
        Column("meaning", "含义", cell=lambda r: cut(r.meaning, 320), drop=True),
        Column("current", "现值", cell=current, label_on_phone=True),
        Column("default", "默认值", cell=lambda r: cut(r.default, 120), drop=True),
        Column("changed_at", "上次设值", kind="time", drop=True),
    )


class ParameterSheet(Table):
    columns = (
        Column("system", "系统", "system.short_name"),
        Column("subsystem", "子系统", "subsystem.name"),
        Column("code", "代码"),
        Column("name", "参数名"),
        Column("meaning", "含义"),
        Column("allowed", "取值"),
        Column("default", "默认值"),
        Column("current", "现值"),
        Column("effect", "影响"),
        Column("advice", "建议"),
        Column("since", "自版本"),
        Column("active", "在用", yes("active")),
    )
