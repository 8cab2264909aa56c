"""The rule language of routes. Pure, deterministic; data, never code.

`compile(document, maps, kind)` → Route with `matches`, `key`, `apply`, `targets`. The document's form is
operations/gateway/data/route.schema.json.
"""

from __future__ import annotations

from .conditions import FACTS
from .model import Answers, Applied, Change, CodeMapDoc, Needs, Question, RuleProblem
from .route import VERBS, Route, compile_route, facts_of

compile = compile_route

__all__ = [
    "FACTS",
    "VERBS",
    "Answers",
    "Applied",
    "Change",
    "CodeMapDoc",
    "Needs",
    "Question",
    "Route",
    "RuleProblem",
    "compile",
    "compile_route",
    "facts_of",
]
