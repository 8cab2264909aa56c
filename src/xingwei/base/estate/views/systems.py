"""Systems and their parts: what there is, who answers for it, what depends on what."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Prefetch, Value
from django.shortcuts import get_object_or_404

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Filter
from xingwei.base.ui.views import ListPage, Page

from .. import queries
from ..engine import Graph
from ..models import BusinessFunction, Component, Dependency, Interface, Ownership, Parameter, Subsystem, System
from ..tables import ComponentSheet, ComponentTable, InterfaceSheet, InterfaceTable
from .exports import TwoTables

HIDDEN_ADDRESS = "（仅维护人员可见）"
_PARAMETERS_SHOWN = 8


def system_choices(actor: Any) -> list[tuple[str, str]]:
    return [(s.code, s.short_name) for s in queries.systems()]


class Systems(Page):
    permission = "estate.system:view"
    template_name = "estate/systems.html"
    title = "系统"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = queries.systems_with_counts(System.objects.restrict(self.actor, self.permission))
        owners = queries.owners_of(f"system:{s.code}" for s in rows)
        return super().get_context_data(**kwargs) | {
            "rows": [{"system": s, "owners": owners[f"system:{s.code}"]} for s in rows],
            "can_change": may(self.actor, "estate.system:change"),
        }


class SystemPage(Page):
    permission = "estate.system:view"
    template_name = "estate/system.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = System.objects.restrict(self.actor, self.permission)
        system = get_object_or_404(seen.select_related("vendor"), code=kwargs["code"])
        functions = BusinessFunction.objects.filter(system=system).order_by("pk")
        subsystems = (
            Subsystem.objects.filter(system=system).order_by("pk").prefetch_related(Prefetch("functions", functions))
        )
        components = list(Component.objects.filter(system=system).select_related("responsible"))
        interfaces = list(Interface.objects.filter(system=system).select_related("peer_organisation"))
        keys = [f"system:{system.code}", *(r.key for r in [*components, *interfaces])]
        owners = queries.owners_of(keys)
        parameters = queries.parameters().filter(system=system, active=True).order_by("code")
        return super().get_context_data(**kwargs) | {
            "title": system.name,
            "system": system,
            "subsystems": subsystems,
            "loose_functions": functions.filter(subsystem=None),
            "components": [{"row": c, "owners": owners[c.key]} for c in components],
            "interfaces": [
                {"row": i, "ours": _people(owners[i.key], "owner"), "peers": _people(owners[i.key], "peer")}
                for i in interfaces
            ],
            "owners": owners[f"system:{system.code}"],
            "windows": system.windows.all(),
            "parameters": parameters[:_PARAMETERS_SHOWN],
            "owner_parts": Ownership.Part.choices,
            "n_parameters": Parameter.objects.filter(system=system, active=True).count(),
            **_rights(self.actor),
        }


class PartPage(Page, abstract=True):
    """A component, interface or function: facts, owners, what it needs and what needs it, the impact of a failure."""

    permission = "estate.system:view"
    template_name = "estate/part.html"
    model: Any
    related: tuple[str, ...] = ("system",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = self.model.objects.restrict(self.actor, self.permission)
        row = get_object_or_404(seen.select_related(*self.related), code=kwargs["code"])
        graph = queries.graph()
        return super().get_context_data(**kwargs) | {
            "title": row.name,
            "row": row,
            "kind": row.KIND,
            "facts": [(label, value) for label, value in self.facts(row) if value not in ("", None)],
            "owners": queries.owners_of([row.key])[row.key],
            "impact": queries.impact(row.key),
            **links_of(row.key, graph),
            **_rights(self.actor),
        }

    def facts(self, row: Any) -> list[tuple[str, Any]]:
        raise NotImplementedError

    def address(self, row: Any) -> str:
        if not row.address or may(self.actor, "estate.address:view"):
            return str(row.address)
        return HIDDEN_ADDRESS


class ComponentPage(PartPage):
    model = Component
    related = ("system", "responsible")

    def facts(self, row: Any) -> list[tuple[str, Any]]:
        return [
            ("代码", row.code),
            ("类别", row.get_kind_display()),
            ("位置", row.location),
            ("地址", self.address(row)),
            ("版本型号", row.version),
            ("责任方", row.responsible),
            ("别名", "、".join(row.aliases)),
            ("说明", row.note),
        ]


class InterfacePage(PartPage):
    model = Interface
    related = ("system", "peer_organisation")

    def facts(self, row: Any) -> list[tuple[str, Any]]:
        return [
            ("代码", row.code),
            ("对方系统", row.peer),
            ("对方单位", row.peer_organisation),
            ("协议", row.protocol),
            ("方向", row.get_direction_display()),
            ("政策性接口", "是" if row.policy else ""),
            ("合同条款", row.clause),
            ("别名", "、".join(row.aliases)),
            ("说明", row.note),
        ]


class FunctionPage(PartPage):
    model = BusinessFunction
    related = ("system", "subsystem")

    def facts(self, row: Any) -> list[tuple[str, Any]]:
        return [
            ("代码", row.code),
            ("子系统", row.subsystem),
            ("窗口业务", "是，中断按窗口业务受影响定级" if row.window else "否"),
            ("使用科室", "、".join(d.name for d in row.departments.all())),
            ("别名", "、".join(row.aliases)),
            ("说明", row.description),
        ]


class Components(TwoTables, ListPage):
    permission = "estate.system:view"
    template_name = "estate/list.html"
    title = "部件"
    table = ComponentTable
    sheet = ComponentSheet
    order = ("code",)
    export_name = "部件"
    empty = ("还没有部件", "部件是会独立出故障的一块：应用、数据库、主机、链路、设备、第三方。")
    filters = (
        Filter("q", "名称", "name__icontains", icon="search", kind="text"),
        Filter("system", "系统", "system__code", icon="server-2", choices=system_choices),
        Filter("kind", "类别", "kind", icon="category", choices=Component.Kind.choices),
        Filter("active", "在用", "active", icon="power", kind="bool"),
    )

    def get_queryset(self) -> Any:
        address = F("address") if may(self.actor, "estate.address:view") else Value(HIDDEN_ADDRESS)
        rows = Component.objects.restrict(self.actor, "estate.system:view")
        return rows.select_related("system", "responsible").annotate(shown_address=address)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return (
            super().get_context_data(**kwargs)
            | {"kind": "component", "import_url": "estate:import-components"}
            | (_rights(self.actor))
        )


class Interfaces(TwoTables, ListPage):
    permission = "estate.system:view"
    template_name = "estate/list.html"
    title = "接口"
    table = InterfaceTable
    sheet = InterfaceSheet
    order = ("code",)
    export_name = "接口"
    empty = ("还没有接口", "接口连着一个系统和另一方，两边各有负责人。")
    filters = (
        Filter("q", "名称", "name__icontains", icon="search", kind="text"),
        Filter("system", "系统", "system__code", icon="server-2", choices=system_choices),
        Filter("policy", "政策性", "policy", icon="file-certificate", kind="bool"),
        Filter("active", "在用", "active", icon="power", kind="bool"),
    )

    def get_queryset(self) -> Any:
        rows = Interface.objects.restrict(self.actor, "estate.system:view")
        return rows.select_related("system", "peer_organisation")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return (
            super().get_context_data(**kwargs)
            | {"kind": "interface", "import_url": "estate:import-interfaces"}
            | (_rights(self.actor))
        )


def links_of(key: str, graph: Graph) -> dict[str, Any]:
    """What the part needs and what needs it, as rows of Dependency with the part at the other end."""
    needs = list(Dependency.objects.filter(source=key))
    needed_by = list(Dependency.objects.filter(target=key))
    ends = queries.ends([d.target for d in needs] + [d.source for d in needed_by])
    groups: dict[str, list[Any]] = {}
    for node in sorted(graph, key=lambda n: (n.system, n.label)):
        if node.key != key and node.kind != "function":
            groups.setdefault(node.system or "共用", []).append(node)
    return {
        "needs": [(d, ends[d.target]) for d in needs if d.target in ends],
        "needed_by": [(d, ends[d.source]) for d in needed_by if d.source in ends],
        "targets": groups,
        "dependency_kinds": Dependency.Kind.choices,
        "owner_parts": Ownership.Part.choices,
    }


def _people(owners: list[Ownership], part: str) -> list[str]:
    return [str(o.person) for o in owners if o.part == part]


def _rights(actor: Any) -> dict[str, bool]:
    return {
        "can_change": may(actor, "estate.system:change"),
        "can_change_parameters": may(actor, "estate.parameter:change"),
        "sees_parameters": may(actor, "estate.parameter:view"),
    }
