"""What every host, line, database and program shows at a moment, given the faults that are on.

Pure: the same moment, faults and seed give the same figures. A measure follows the load of the hour and weekday; a fault
changes the figures of its place and of those who suffer from it, some at once and some slowly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

import yaml

from simhospital.generate.plan import HOURS

_RISE_S = 20.0  # what a fault does at once takes so long to show in an average


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. node: the place in the hospital's list of components."""

    series: str
    node: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that is on: its code and since when (hospital's clock)."""

    code: str
    since: datetime


@cache
def document() -> dict[str, Any]:
    """data/vitals.yaml."""
    found: dict[str, Any] = yaml.safe_load((resources.files("simhospital") / "data" / "vitals.yaml").read_text("utf-8"))
    return found


def load_of(at: datetime) -> float:
    """How busy the hospital is (0 to 1), by hour and weekday."""
    hours = HOURS["clinic"]
    here, following = hours[at.hour], hours[(at.hour + 1) % 24]
    share = here + (following - here) * at.minute / 60
    weekday = {5: 0.52, 6: 0.3}.get(at.weekday(), 1.0)
    return weekday * (0.12 + 0.88 * share / max(hours))


def measure(at: datetime, faults: Sequence[Active] = (), seed: int = 1, series: str = "") -> list[Measure]:
    """Every figure at that moment; series: only those whose name begins so."""
    load, changed = load_of(at), _changes(at, faults)
    found = []
    for row in document()["measures"]:
        if not row["series"].startswith(series):
            continue
        most = 100.0 if row["unit"] == "%" else None
        for node, (rest, rise, noise) in row["nodes"].items():
            value = rest + rise * load + noise * _noise(f"{seed} {row['series']} {node}", at)
            for how in changed.get((row["series"], node), ()):
                value = how(value)
            value = max(0.0, value if most is None else min(value, most))
            found.append(Measure(row["series"], node, round(value, 3), row["unit"]))
    return found


def _noise(name: str, at: datetime) -> float:
    """About -1 to 1, another one every ten seconds."""
    digest = hashlib.blake2b(f"{name} {int(at.timestamp()) // 10}".encode(), digest_size=4).digest()
    return (digest[0] + digest[1] + digest[2] + digest[3]) / 510 - 1


class _How:
    """What a fault does to a figure."""

    def __init__(self, text: Any, lasted_s: float) -> None:
        self.text = str(text)
        self.share = min(1.0, lasted_s / _RISE_S)
        self.minutes = lasted_s / 60

    def __call__(self, value: float) -> float:
        text = self.text
        if text.endswith("/m"):
            return value + float(text[:-2]) * self.minutes
        if text.startswith("+"):
            return value + float(text[1:]) * self.share
        target = value * float(text[1:]) if text.startswith("x") else float(text)
        return value + (target - value) * self.share


def _changes(at: datetime, faults: Iterable[Active]) -> Mapping[tuple[str, str], list[_How]]:
    found: dict[tuple[str, str], list[_How]] = {}
    for fault in faults:
        lasted = (at - fault.since) / timedelta(seconds=1)
        for series, node, how in document()["effects"].get(fault.code, ()) if lasted >= 0 else ():
            found.setdefault((series, node), []).append(_How(how, lasted))
    return found
