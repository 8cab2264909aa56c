"""Tables of the reconciliations: what is compared, every run with its inputs, every difference with its life."""

from .definition import Reconciliation, Version
from .difference import Difference as Difference
from .difference import ForcedMatch, Note, Sighting
from .draft import Draft
from .remedy import Approval, Remedy
from .run import Run

__all__ = [
    "Approval", "Difference", "Draft", "ForcedMatch", "Note", "Reconciliation", "Remedy", "Run", "Sighting", "Version",
]  # fmt: skip
