"""Whose fault it is: from a dependency graph, time series and events to a ranked list of suspects.

`rank` is a plain function with no product around it: no database, no network, no model. `published` reads the data
sets of root-cause localisation as they are published, so that the same function can be run on them.
"""

from .deviation import finding
from .ranking import rank
from .types import (
    Clause,
    Edge,
    Event,
    Evidence,
    Finding,
    Graph,
    Kind,
    Layer,
    Node,
    Party,
    Rule,
    Series,
    Suspect,
    Verdict,
)

__all__ = [
    "Clause",
    "Edge",
    "Event",
    "Evidence",
    "Finding",
    "Graph",
    "Kind",
    "Layer",
    "Node",
    "Party",
    "Rule",
    "Series",
    "Suspect",
    "Verdict",
    "finding",
    "rank",
]
