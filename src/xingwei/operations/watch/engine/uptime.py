"""How long a function was up in a month, from its spans, with maintenance taken out. Pure.

up share = up / (up + slow + down): time in maintenance windows counts for neither; time that nobody saw counts for
neither and is shown beside it, never as up. A function that is slow still works: it counts as up, and is shown.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Interval = tuple[dt.datetime, dt.datetime]
STATES = ("up", "slow", "down", "unknown", "maintenance")


@dataclass(frozen=True, slots=True)
class Span:
    """until None: it still lasts."""

    state: str
    since: dt.datetime
    until: dt.datetime | None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch as it is drawn and counted: up, slow, down, unknown, maintenance."""

    state: str
    since: dt.datetime
    until: dt.datetime
    said: str = ""

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


@dataclass(slots=True)
class Uptime:
    """Seconds by state. outages: the pieces in which it was down."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STATES, 0.0))
    outages: list[Piece] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """Per cent; None where nothing was seen."""
        s = self.seconds
        seen = s["up"] + s["slow"] + s["down"]
        return 100.0 * (s["up"] + s["slow"]) / seen if seen else None


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Without overlaps, in order."""
    out: list[Interval] = []
    for since, until in sorted(i for i in intervals if i[0] < i[1]):
        if out and since <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], until))
        else:
            out.append((since, until))
    return out


def pieces(
    spans: Sequence[Span], since: dt.datetime, until: dt.datetime, *,
    maintenance: Iterable[Interval] = (), blind: Iterable[Interval] = (),
) -> list[Piece]:  # fmt: skip
    """The stretch from since to until without holes: what no span covers is unknown; blind time is unknown whatever a
    span says; maintenance takes precedence over everything."""
    if since >= until:
        return []
    quiet, dark = merged(maintenance), merged(blind)
    cuts = {since, until}
    for span in spans:
        cuts |= {span.since, span.until or until}
    for interval in (*quiet, *dark):
        cuts |= set(interval)
    edges = sorted(c for c in cuts if since <= c <= until)
    ordered = sorted(spans, key=lambda s: s.since)
    out: list[Piece] = []
    at = 0
    for begin, end in itertools.pairwise(edges):
        while at + 1 < len(ordered) and ordered[at + 1].since <= begin:
            at += 1
        found = ordered[at] if ordered and ordered[at].since <= begin and (ordered[at].until or until) >= end else None
        state, said = (found.state, found.said) if found else ("unknown", "")
        if _in(begin, dark):
            state, said = "unknown", "监测中断"
        if _in(begin, quiet):
            state, said = "maintenance", "维护窗口"
        if out and (out[-1].state, out[-1].said) == (state, said):
            out[-1] = Piece(state, out[-1].since, end, said)
        else:
            out.append(Piece(state, begin, end, said))
    return out


def count(parts: Iterable[Piece]) -> Uptime:
    found = Uptime()
    for piece in parts:
        found.seconds[piece.state] += piece.seconds
        if piece.state == "down":
            if found.outages and found.outages[-1].until == piece.since:
                found.outages[-1] = Piece("down", found.outages[-1].since, piece.until, piece.said)
            else:
                found.outages.append(piece)
    return found


def cut(parts: Iterable[Piece], since: dt.datetime, until: dt.datetime) -> list[Piece]:
    """What of the pieces lies between."""
    return [
        Piece(p.state, max(p.since, since), min(p.until, until), p.said)
        for p in parts
        if p.since < until and p.until > since
    ]


def _in(at: dt.datetime, intervals: Sequence[Interval]) -> bool:
    return any(since <= at < until for since, until in intervals)
