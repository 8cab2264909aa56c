"""Asks a built hospital whether its systems agree with each other (data/invariants.yaml)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import psycopg
import yaml


@dataclass(frozen=True, slots=True)
class Broken:
    """rows: how many break the rule; examples: the first three of them."""

    rule: str
    rows: int
    examples: list[tuple[Any, ...]]


@cache
def rules() -> dict[str, str]:
    """Name → query for the rows that break it."""
    text = (resources.files("simhospital") / "data" / "invariants.yaml").read_text("utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return found


def broken(connection: psycopg.Connection, rule: str) -> Broken:
    """What breaks the rule. Raises KeyError where there is no such rule."""
    query = rules()[rule]
    row = connection.execute(f"SELECT count(*) FROM ({query}) x".encode()).fetchone()  # noqa: S608 - from our file
    examples = connection.execute(f"SELECT * FROM ({query}) x LIMIT 3".encode()).fetchall()  # noqa: S608
    return Broken(rule, row[0] if row else 0, examples)
