"""The estate as triage wants it: nodes with who answers for them, and who needs whom."""

from __future__ import annotations

import time
from typing import Any

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import BusinessFunction, Component, Interface

from ..engine.triage import Edge, Graph, Node, Party

TTL_S = 10.0
_kept: tuple[float, Any, Graph] | None = None


def graph() -> Graph:
    """Every part in use; kept for some seconds in each process, and built anew when the estate's own graph was."""
    global _kept
    source = estate.graph()
    now = time.monotonic()
    if _kept is None or _kept[1] is not source or not 0 <= now - _kept[0] <= TTL_S:
        owners = _owners()
        nodes = []
        for node in source:
            owner, name = owners.get(node.key, (Party.VENDOR, ""))
            if node.kind == "link" and owner == Party.THIRD_PARTY:
                owner = Party.CARRIER
            nodes.append(Node(node.key, node.label, node.kind, owner, name, node.system))
        _kept = (now, source, Graph(nodes, (Edge(e.source, e.target, e.kind) for e in source.edges)))
    return _kept[2]


_SIDES = {"hospital": Party.HOSPITAL, "vendor": Party.VENDOR, "third": Party.THIRD_PARTY}


def _owners() -> dict[str, tuple[str, str]]:
    """Who answers for a part: a component's responsible party; an interface's and a function's is its system's vendor.
    A third party that nobody is named for is still a third party."""
    found: dict[str, tuple[str, str]] = {}
    for part in Component.objects.select_related("responsible", "system__vendor"):
        party = part.responsible or (part.system.vendor if part.system else None)
        if party is not None:
            found[part.key] = (_SIDES[party.side], party.short_name)
        elif part.kind == Component.Kind.THIRD_PARTY:
            found[part.key] = (Party.THIRD_PARTY, "")
    rows: list[Any] = [
        *Interface.objects.select_related("system__vendor"), *BusinessFunction.objects.select_related("system__vendor")
    ]  # fmt: skip
    for row in rows:
        if row.system.vendor is not None:
            found[row.key] = (_SIDES[row.system.vendor.side], row.system.vendor.short_name)
    return found
