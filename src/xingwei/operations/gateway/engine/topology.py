"""The picture of who sends to whom: nodes in four fixed columns, lines between them, words on the abnormal ones. Pure.

The picture depends on the configuration alone, so that it is the same every day; only colours, widths and words change.
Distances are in units of the drawing, which is WIDTH wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WIDTH = 900
ROW, NODE, TOP = 88, 46, 34
ZONES = ("device", "department", "core", "outside")
COLUMNS = {"device": (84, 152), "department": (300, 132), "core": (520, 140), "outside": (802, 168)}
_TRIES = (0.5, 0.4, 0.6, 0.3, 0.7)
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Link:
    """From one party to another over the channel `code`. rate: messages a minute. word: on the line, "" for none."""

    source: str
    target: str
    code: str
    rate: float = 0.0
    kind: str = "ok"
    word: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    zone: str
    x: float
    y: float
    width: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def top(self) -> float:
        return self.y - NODE / 2

    height = NODE


@dataclass(frozen=True, slots=True)
class Line:
    link: Link
    x1: float
    y1: float
    x2: float
    y2: float
    width: float

    def at(self, share: float) -> tuple[float, float]:
        return self.x1 + (self.x2 - self.x1) * share, self.y1 + (self.y2 - self.y1) * share


@dataclass(frozen=True, slots=True)
class Pill:
    link: Link
    x: float
    y: float
    width: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def top(self) -> float:
        return self.y - 11


@dataclass(frozen=True, slots=True)
class Picture:
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    pills: tuple[Pill, ...]
    height: float


def draw(zones: Mapping[str, str], links: Iterable[Link]) -> Picture:
    """zones: party → zone. Links between parties that are not in it are left out."""
    known = [link for link in links if link.source in zones and link.target in zones and link.source != link.target]
    columns = _order(zones, known)
    tallest = max((len(names) for names in columns.values()), default=1)
    height = TOP + max(tallest, 4) * ROW
    places: dict[str, Node] = {}
    for zone, names in columns.items():
        x, width = COLUMNS[zone]
        step = (height - TOP) / max(len(names), 1)
        for i, name in enumerate(names):
            places[name] = Node(name, zone, x, round(TOP + step * (i + 0.5) - ROW / 2 + NODE, 1), width)
    lines = tuple(_line(places, link) for link in known)
    return Picture(tuple(places.values()), lines, _pills(lines, places.values()), height)


def _order(zones: Mapping[str, str], links: list[Link]) -> dict[str, list[str]]:
    """The parties of each column, few lines crossing: each party is moved towards the middle of its partners."""
    columns = {zone: sorted(n for n, z in zones.items() if z == zone) for zone in ZONES}
    partners: dict[str, list[str]] = {name: [] for name in zones}
    for link in links:
        partners[link.source].append(link.target)
        partners[link.target].append(link.source)
    for _ in range(_SWEEPS):
        for zone in (*ZONES, *reversed(ZONES)):
            at = {n: (i + 0.5) / len(names) for names in columns.values() for i, n in enumerate(names)}

            def middle(name: str, at: Mapping[str, float] = at, zone: str = zone) -> float:
                others = [at[p] for p in partners[name] if zones[p] != zone]
                return round(sum(others) / len(others), 6) if others else at[name]

            columns[zone].sort(key=middle)
    return columns


def _line(places: Mapping[str, Node], link: Link) -> Line:
    a, b = places[link.source], places[link.target]
    if a.zone == b.zone:
        down = 1 if b.y > a.y else -1
        start, end = (a.x, a.y + down * NODE / 2), (b.x, b.y - down * NODE / 2)
    else:
        right = 1 if b.x > a.x else -1
        start, end = (a.x + right * a.width / 2, a.y), (b.x - right * b.width / 2, b.y)
    return Line(link, *start, *end, width=round(max(1.2, math.log2(link.rate + 1) * 0.6), 2))


def _pills(lines: Iterable[Line], nodes: Iterable[Node]) -> tuple[Pill, ...]:
    """What is wrong with a channel, once, on one of its lines, beside the others and the nodes where there is room."""
    taken = [(n.left, n.top, n.left + n.width, n.top + NODE) for n in nodes]
    pills: list[Pill] = []
    said: set[str] = set()
    for line in lines:
        if not line.link.word or line.link.code in said:
            continue
        said.add(line.link.code)
        width = 20 + sum(12.0 if ord(c) > 0x2E80 else 6.8 for c in line.link.word)
        options = [Pill(line.link, *line.at(t), width=width) for t in _TRIES]
        free = [p for p in options if not any(_meets(p, box) for box in taken)]
        pill = (free or options)[0]
        pills.append(pill)
        taken.append((pill.left, pill.top, pill.left + width, pill.top + 22))
    return tuple(pills)


def _meets(p: Pill, box: tuple[float, float, float, float]) -> bool:
    return p.left < box[2] and p.left + p.width > box[0] and p.top < box[3] and p.top + 22 > box[1]
