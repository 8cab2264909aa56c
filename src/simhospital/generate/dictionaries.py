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


def service_code(local: str) -> str:
    """The national code of a service item from its local price code: nine digits, perhaps with a letter (210300001a)."""
    digits, letter = local[:9], local[9:]
    variant = ord(letter) - ord("a") + 1 if letter else 0
    return f"00{digits}{variant:02d}00-{digits}"


def panel_code(panel: Panel) -> str:
    """The local price code of a laboratory panel."""
    return f"2503{panel.no:05d}"


def drug_code(number: int, row: Row) -> str:
    """The national code of the n-th drug of the list, from 1."""
    return ("Z" if row["sfxm"] == "11" else "T" if row["sfxm"] == "10" else "X") + f"{number:022d}"


@cache
def drug_numbers() -> dict[str, int]:
    """Which number a drug has, by name and strength."""
    return {f"{r['name']} {r['spec']}": n for n, r in enumerate(rows("drugs"), 1)}


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
