"""Differences between the books of the hospital, the insurer, the channels and the ledger, planted as they really arise.

`planted(...)` gives both sides' rows in memory; `plant_into(...)` does the same to the databases, the centre's book and
the channels' bills. Nothing in a planted row says that it was planted: the truth stands apart.
"""

from .causes import Kind, PlantError, kinds
from .memory import Planted, planted
from .truth import Truth

__all__ = ["Kind", "PlantError", "Planted", "Truth", "kinds", "planted"]
