"""Shifts as an iCalendar feed (RFC 5545) that phones subscribe to. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

_FOLD = 73  # octets of a line, its continuation blank included: RFC 5545 allows 75


@dataclass(frozen=True, slots=True)
class Event:
    uid: str
    start: dt.datetime
    end: dt.datetime
    summary: str
    location: str = ""
    changed: dt.datetime | None = None


def calendar(name: str, events: Iterable[Event], now: dt.datetime) -> str:
    """The feed's text, lines ended by CRLF and folded."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Xingwei//rota//ZH", "METHOD:PUBLISH"]
    lines += ["X-WR-TIMEZONE:Asia/Shanghai", f"X-WR-CALNAME:{_text(name)}", "REFRESH-INTERVAL;VALUE=DURATION:PT1H"]
    for e in events:
        lines += ["BEGIN:VEVENT", f"UID:{e.uid}", f"DTSTAMP:{_utc(e.changed or now)}"]
        lines += [f"DTSTART:{_utc(e.start)}", f"DTEND:{_utc(e.end)}", f"SUMMARY:{_text(e.summary)}"]
        if e.location:
            lines.append(f"LOCATION:{_text(e.location)}")
        lines.append("END:VEVENT")
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _utc(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n")):
        value = value.replace(plain, escaped)
    return value


def _folded(line: str) -> Iterable[str]:
    """Pieces of at most 75 octets, never cutting a character."""
    piece, size, first = "", 0, True
    for c in line:
        octets = len(c.encode())
        if size + octets > _FOLD:
            yield piece if first else f" {piece}"
            piece, size, first = "", 0, False
        piece, size = piece + c, size + octets
    yield piece if first else f" {piece}"
