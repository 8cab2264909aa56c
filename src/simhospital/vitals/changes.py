"""Recent changes and notices: many do no harm, and some faults come with one."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from .measures import Active, document


def innocent(day: date, seed: int = 1) -> list[dict[str, Any]]:
    """The harmless changes of a day, drawn by day and seed."""
    chance = random.Random(f"{seed} {day}")  # noqa: S311 - a hospital, no secret
    wanted = document()["innocent"]
    found = []
    for kind in chance.sample(wanted["kinds"], chance.randrange(1, 2 * wanted["a_day"])):
        at = datetime.combine(day, datetime.min.time()) + timedelta(minutes=chance.randrange(7 * 60, 23 * 60))
        found.append(_row(at, kind["node"], kind["kind"], kind["title"], f"{day} {kind['title']}"))
    return found


def _row(at: datetime, node: str, kind: str, title: str, name: str) -> dict[str, Any]:
    number = hashlib.blake2b(name.encode(), digest_size=5).hexdigest()
    return {"id": f"CHG-{number}", "at": f"{at:%Y-%m-%dT%H:%M:%S}+08:00", "node": node, "kind": kind, "title": title}


def events(at: datetime, faults: Iterable[Active], hours: float = 72, seed: int = 1) -> list[dict[str, Any]]:
    """The changes of the last hours, oldest first: harmless ones, and those by which faults came."""
    since = at - timedelta(hours=hours)
    found = [row for n in range(int(hours // 24) + 2) for row in innocent(at.date() - timedelta(days=n), seed)]
    known = document()["announced"]["changes"]
    for fault in faults:
        if fault.code in known:
            what = known[fault.code]
            moment = fault.since - timedelta(minutes=1)
            found.append(_row(moment, what["node"], what["kind"], what["title"], f"{moment} {what['title']}"))
    return sorted(
        (r for r in found if f"{since:%Y-%m-%dT%H:%M:%S}" <= r["at"][:19] <= f"{at:%Y-%m-%dT%H:%M:%S}"),
        key=lambda r: r["at"],
    )


def notices(at: datetime, faults: Iterable[Active]) -> list[dict[str, Any]]:
    """What insurer and carrier say of themselves."""
    words = document()["announced"]["notices"]
    return [
        {"at": f"{f.since:%Y-%m-%dT%H:%M:%S}+08:00", "text": words[f.code]}
        for f in faults
        if f.code in words and f.since <= at
    ]
