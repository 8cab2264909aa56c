"""The estate's graph, as suppression and triage want it."""

from __future__ import annotations

from xingwei.base.estate import queries as estate
from xingwei.base.estate.engine import Graph


def graph() -> Graph:
    """Nodes and who needs whom; kept for some seconds in each process."""
    return estate.graph()
