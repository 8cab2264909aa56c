"""./bench triage: scenes drawn anew in each run, ranked by the engine, judged by layer and owner.

The hospital and what faults do in it are in `world`, `readings`, `kinds`, `scenes`; they know how trouble travels, not
how it is found. Of a scene with two faults the first suspect must be one of them, and the first three must hold both.
An answer "unknown" is a miss. Beside it: what a random part would hit, and the part whose measurement deviates most.
"""

from .run import run

__all__ = ["run"]
