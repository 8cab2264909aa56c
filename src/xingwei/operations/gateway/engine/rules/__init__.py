"""The rule language of routes. Pure, deterministic; data, never code.

`compile(document, maps, kind)` → Route with `matches`, `key`, `apply`, `targets`. The document's form is
operations/gateway/data/route.schema.json.
"""

from __future__ import annotations

from .conditions import FACTS
from .model import Applied, Change, CodeMapDoc, RuleProblem
from .route import VERBS, Route, compile_route, facts_of

compile = compile_route

__all__ = [
    "FACTS",
    "VERBS",
    "Applied",
    "Change",
    "CodeMapDoc",
    "Route",
    "RuleProblem",
    "compile",
    "compile_route",
    "facts_of",
]
