"""The dependency picture: one system with its neighbours or the whole hospital; click a node to see what its failure
would reach. The same content stands below as lists, for the keyboard, the phone and the printer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from xingwei.base.ui.views import Page

from .. import queries
from ..engine import Graph
from ..models import System
from ..pictures import overview, picture


class GraphPage(Page):
    """?system=HIS shows one system; ?node=component:HIS-DB marks the consequences of its failure."""

    permission = "estate.system:view"
    template_name = "estate/graph.html"
    title = "依赖图"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        graph = queries.graph()
        systems = queries.systems()
        node = graph.nodes.get(self.request.GET.get("node", ""))
        code = self._system(systems, node.system if node else "")
        impact = queries.impact(node.key) if node else None
        marked = {n.key for n in impact.affected} if impact else set()
        context: dict[str, Any] = {
            "systems": systems,
            "code": code,
            "node": node,
            "impact": impact,
            "detail": queries.ends([node.key]).get(node.key) if node else None,
        }
        if code or node:
            shown = self._part(graph, code, node.key if node else "")
            context |= picture(shown, node.key if node else "", marked, code, self._url)
            context["columns"] = self._columns(shown, node.key if node else "", marked, code)
        else:
            context |= overview(graph, systems, self._url)
        return super().get_context_data(**kwargs) | context

    def _system(self, systems: list[System], of_node: str) -> str:
        wanted = self.request.GET.get("system", "")
        known = {s.code for s in systems}
        return wanted if wanted in known else of_node if of_node in known else ""

    def _part(self, graph: Graph, code: str, key: str) -> Graph:
        """The system's nodes with their neighbours; for a node of no system, all that it reaches and needs nearby."""
        if code:
            own = {n.key for n in graph if n.system == code}
            near = set().union(*(graph.neighbours(k) for k in own)) if own else set()
            hosts = {k for k in near if graph.nodes[k].kind in {"host", "database"}}
            near |= set().union(*(graph.neighbours(k) & _ground(graph) for k in hosts)) if hosts else set()
            keys = own | {k for k in near if graph.nodes[k].kind != "function"}
        else:
            keys = {k for k, far in graph.affected_by(key).items() if far <= 2 or graph.nodes[k].kind != "function"}
            keys |= {k for k, far in graph.upstream(key).items() if far <= 2}
        return graph.part(keys | {key})

    def _columns(self, graph: Graph, key: str, marked: set[str], code: str) -> list[dict[str, Any]]:
        from ..engine import COLUMNS, columns_of

        return [
            {
                "name": name,
                "nodes": [
                    {
                        "node": n,
                        "url": self._url(n.key, code),
                        "state": "late" if n.key == key else "warn" if n.key in marked else "",
                    }
                    for n in nodes
                ],
            }
            for (name, _), nodes in zip(COLUMNS, columns_of(graph), strict=True)
            if nodes
        ]

    @staticmethod
    def _url(node: str, system: str) -> str:
        query = {k: v for k, v in (("system", system), ("node", node)) if v}
        return f"{reverse('estate:graph')}?{urlencode(query)}" if query else reverse("estate:graph")


def _ground(graph: Graph) -> set[str]:
    return {n.key for n in graph if n.kind in {"host", "link"}}
