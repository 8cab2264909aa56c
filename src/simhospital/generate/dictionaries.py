"""The dictionaries of the hospital, read from data/dictionaries.yaml; pure, the same for every seed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import yaml

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class LabItem:
    """low, high: reference range; panic_low, panic_high: critical limits; kind: N number, Q qualitative."""

    no: int
    cname: str
    ename: str
    unit: str
    prec: int
    loinc: str
    section: int
    low: float | None
    high: float | None
    panic_low: float | None
    panic_high: float | None
    kind: str


@dataclass(frozen=True, slots=True)
class Panel:
    """price in yuan; share: how often it is ordered, by weight."""

    no: int
    name: str
    fee: int
    price: Decimal
    tube: str
    specimen: str
    section: int
    minutes: int
    items: tuple[LabItem, ...]
    share: int


@cache
def document() -> dict[str, Any]:
    """The whole file."""
    text = (resources.files("simhospital") / "data" / "dictionaries.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def rows(name: str) -> tuple[Row, ...]:
    """One list, each row by its column names."""
    head, *lines = document()[name].strip().splitlines()
    names = head.split("|")
    return tuple(dict(zip(names, line.split("|"), strict=True)) for line in lines)


@cache
def lab_items() -> dict[str, LabItem]:
    """By English short name."""
    return {r["ename"]: _lab_item(r) for r in rows("lab_items")}


@cache
def panels() -> tuple[Panel, ...]:
    """All panels of the laboratory."""
    items = lab_items()
    return tuple(
        Panel(
            int(r["no"]), r["name"], int(r["fyxh"]), Decimal(r["price"]), r["tube"], r["specimen"], int(r["section"]),
            int(r["tat"]), tuple(items[n] for n in r["items"].split()), int(r["share"]),
        )
        for r in rows("panels")
    )  # fmt: skip


def _lab_item(r: Row) -> LabItem:
    low, high, panic_low, panic_high = (float(r[n]) if r[n] else None for n in ("low", "high", "plow", "phigh"))
    return LabItem(
        int(r["no"]), r["cname"], r["ename"], r["unit"], int(r["prec"]), r["loinc"], int(r["section"]),
        low, high, panic_low, panic_high, r["type"],
    )  # fmt: skip
