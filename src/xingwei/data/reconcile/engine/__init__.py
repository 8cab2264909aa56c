"""The heart of reconciliation: two or three books, a Spec, and every cent of the gap between them named by rows.

    outcome = run(Spec.read(document), {"his": Source((path,)), "centre": Source((other,))}, workdir)

Pure: knows neither Django nor the network, reads and writes only the paths that it is given. Works in DuckDB.
"""

from .outcome import BadInput, Bridge, Convention, Group, Line, Outcome, Period, Result
from .propose import Match, Proposal, propose
from .run import run
from .spec import Spec, SpecProblem
from .tables import Source

__all__ = [
    "BadInput",
    "Bridge",
    "Convention",
    "Group",
    "Line",
    "Match",
    "Outcome",
    "Period",
    "Proposal",
    "Result",
    "Source",
    "Spec",
    "SpecProblem",
    "propose",
    "run",
]
