"""What holds parts together: dependencies, owners, service and maintenance windows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from xingwei.base.accounts.models import User
from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from .. import queries
from ..engine import MUTUAL, Edge, Graph, GraphError, check_ends
from ..models import Dependency, Ownership, ServiceWindow, System
from .base import EstateRefused, check, one_at_a_time


def add_dependency(actor: Actor, source: str, target: str, kind: str) -> Dependency:
    """`source` needs `target` (keys such as "component:HIS-DB").

    Raises EstateRefused for ends that do not fit, for one that is there already and for a circle that makes no sense.
    """
    added = add_dependencies(actor, [Edge(source, target, kind)])
    if not added:
        raise EstateRefused("这条依赖已经登记过了")
    return added[0]


def add_dependencies(actor: Actor, edges: Sequence[Edge]) -> list[Dependency]:
    """Those of the edges that are not there yet, all or none. Raises EstateRefused as `add_dependency` does."""
    require(actor, "estate.system:change")
    with transaction.atomic():
        one_at_a_time()
        held = {Edge(*ends) for ends in Dependency.objects.values_list("source", "target", "kind")}
        new = [e for e in dict.fromkeys(edges) if e not in held]
        graph = queries.read_graph()
        for edge in new:
            _check(graph, edge)
        _refuse_circles(graph, new)
        added = Dependency.objects.bulk_create(Dependency(source=e.source, target=e.target, kind=e.kind) for e in new)
        for row in added:
            names = f"{graph.nodes[row.source].label} {row.get_kind_display()} {graph.nodes[row.target].label}"
            record(actor, "estate.dependency.add", row, f"登记依赖：{names}", after=_ends(row))
    queries.forget()
    return added


def _check(graph: Graph, edge: Edge) -> None:
    for key in (edge.source, edge.target):
        if key not in graph.nodes:
            raise EstateRefused(f"没有“{key[:60]}”这一项，或已停用")
    try:
        check_ends(edge, graph.nodes[edge.source], graph.nodes[edge.target])
    except GraphError as error:
        raise EstateRefused(str(error)) from None


def _refuse_circles(graph: Graph, new: Sequence[Edge]) -> None:
    strict = Graph(graph.nodes.values(), [*graph.edges, *new]).strict()
    for edge in new:
        if edge.kind not in MUTUAL and (circle := strict.circle_through(edge)):
            names = " → ".join(graph.nodes[k].label for k in circle)
            raise EstateRefused(f"这样会成为循环：{names}。请检查方向：左边依赖右边")


def remove_dependency(actor: Actor, row: Dependency) -> None:
    require(actor, "estate.system:change")
    with transaction.atomic():
        record(actor, "estate.dependency.remove", row, f"删除依赖：{row}", before=_ends(row))
        row.delete()
    queries.forget()


def add_owner(actor: Actor, subject: str, person: User, part: str) -> Ownership:
    """Name who answers for a system or part. Raises EstateRefused for an unknown subject or one named twice."""
    added = add_owners(actor, [(subject, person, part)])
    if not added:
        raise EstateRefused(f"{person}已经是这一项的{Ownership.Part(part).label}")
    return added[0]


def add_owners(actor: Actor, wanted: Sequence[tuple[str, User, str]]) -> list[Ownership]:
    """Those of (subject, person, part) that are not there yet, all or none. Raises EstateRefused for an unknown one."""
    require(actor, "estate.system:change")
    targets = queries.ends({subject for subject, _, _ in wanted})
    with transaction.atomic():
        one_at_a_time()
        held = set(Ownership.objects.values_list("subject", "person_id", "part"))
        rows = []
        for subject, person, part in dict.fromkeys(wanted):
            if subject not in targets:
                raise EstateRefused(f"没有“{subject[:60]}”这一项")
            if part not in Ownership.Part.values:
                raise EstateRefused("请选择职责")
            if (subject, person.pk, part) not in held:
                rows.append(Ownership(subject=subject, person=person, part=part))
        for row in Ownership.objects.bulk_create(rows):
            said = f"{targets[row.subject]}：{row.get_part_display()} {row.person}"
            after = {"subject": row.subject, "person": row.person_id, "part": row.part}
            record(actor, "estate.owner.add", row, said, after=after)
    queries.forget()
    return rows


def remove_owner(actor: Actor, row: Ownership) -> None:
    require(actor, "estate.system:change")
    with transaction.atomic():
        record(
            actor,
            "estate.owner.remove",
            row,
            f"不再是{row.get_part_display()}：{row.person}（{row.subject}）",
            before={"subject": row.subject, "person": row.person_id, "part": row.part},
        )
        row.delete()
    queries.forget()


def add_window(
    actor: Actor, system: System, kind: str, weekdays: str, start: dt.time, end: dt.time, note: str = ""
) -> ServiceWindow:
    """When the system must be up, or may be maintained. weekdays: "12345"; end not after start runs over midnight."""
    require(actor, "estate.system:change", system)
    days = "".join(sorted(set(weekdays)))
    if not days or not set(days) <= set("1234567"):
        raise EstateRefused("请选至少一个星期几")
    if start == end:
        raise EstateRefused("起止时间相同；全天请写 00:00 到 23:59")
    row = ServiceWindow(system=system, kind=kind, weekdays=days, start=start, end=end, note=note)
    check(row)
    same = {"system": system, "kind": kind, "weekdays": days, "start": start, "end": end}
    with transaction.atomic():
        if ServiceWindow.objects.filter(**same).exists():
            raise EstateRefused("这个时段已经登记过了")
        row.save()
        record(actor, "estate.window.add", row, f"登记{row}", after=_span(row))
    return row


def remove_window(actor: Actor, row: ServiceWindow) -> None:
    require(actor, "estate.system:change", row.system)
    with transaction.atomic():
        record(actor, "estate.window.remove", row, f"删除{row}", before=_span(row))
        row.delete()


def _ends(row: Dependency) -> dict[str, str]:
    return {"source": row.source, "target": row.target, "kind": row.kind}


def _span(row: ServiceWindow) -> dict[str, object]:
    return {
        "system": row.system_id,
        "kind": row.kind,
        "weekdays": row.weekdays,
        "start": row.start,
        "end": row.end,
        "note": row.note,
    }
