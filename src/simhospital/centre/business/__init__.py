"""The transactions of the interface, one module a subject. Importing this package fills the register."""

from . import catalogue, fees, files, people, queries, reversal, settlement, signing_in, statement, visits
from .call import Call, handlers

__all__ = [
    "Call",
    "catalogue",
    "fees",
    "files",
    "handlers",
    "people",
    "queries",
    "reversal",
    "settlement",
    "signing_in",
    "statement",
    "visits",
]
