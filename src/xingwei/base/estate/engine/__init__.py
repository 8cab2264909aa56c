"""The thinking of the estate: what fails with what, which words mean what, where a node stands. Pure."""

from .graph import MUTUAL, Edge, Graph, GraphError, Node, check_ends
from .picture import COLUMNS, Placed, columns_of, place
from .vocabulary import Hit, Term, Vocabulary

__all__ = [
    "COLUMNS",
    "MUTUAL",
    "Edge",
    "Graph",
    "GraphError",
    "Hit",
    "Node",
    "Placed",
    "Term",
    "Vocabulary",
    "check_ends",
    "columns_of",
    "place",
]
