"""The board: which faults are on now, for every process of the simulated hospital, and the log of truth.

A simulated system asks `active("mllp-hang", "lis")` where the fault would strike; the answer costs microseconds, since
the board's file is looked at no more than twenty times a second. A fault ends by the clock of whoever asks, so it ends
even if the process that started it is gone. Targets: a fault without a target strikes everywhere; a fault with one
(a list with commas and `*` is allowed) strikes only where that target is asked about. A fault may strike at several
points: asking for the name of any of them finds it.

`truth.jsonl` has one JSON object a line, `what` being `started`, `did` (one thing that the fault really did: a
message held back, an answer lost), `stopped` (by hand) or `ended` (by its time).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from simhospital.home import home

LOOK_S = 0.05
LONGEST_S = 86_400.0


class BoardError(ValueError):
    """The board refused, with a Chinese sentence saying why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A fault that is on. Times are seconds since 1970; `facts` are those of the catalogue (layer, party, signals …).

    `points`: further names under which it is found, each {"name", "target", "parameters"}.
    """

    id: str
    name: str
    target: str
    parameters: dict[str, Any]
    since: float
    until: float
    by: str = ""
    combination: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    points: list[dict[str, Any]] = field(default_factory=list)


def hits(aim: str, target: str) -> bool:
    """Whether a fault aimed there strikes at this target."""
    return not aim or any(fnmatchcase(target, part.strip()) for part in aim.split(","))


@dataclass(frozen=True, slots=True)
class _Point:
    id: str
    aim: str
    since: float
    until: float
    parameters: dict[str, Any]


def moment(seconds: float) -> str:
    """A time of the log: ISO 8601 in UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


class Board:
    """The faults of one simulated hospital, kept in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "board.json"
        self.truth = directory / "truth.jsonl"
        self._looked = -1.0
        self._stamp: tuple[int, int, int] | None = None
        self._known: dict[str, list[_Point]] = {}
        self._faults: dict[str, Running] = {}
        directory.mkdir(parents=True, exist_ok=True)

    # ----- asked by the simulated systems, often
    def active(self, name: str, target: str = "") -> dict[str, Any] | None:
        """The parameters of the fault if it is on for this target, with `id` and `until`; otherwise None."""
        points = self._current().get(name)
        if not points:
            return None
        now = time.time()
        for point in points:
            if point.since <= now < point.until and hits(point.aim, target):
                return {**point.parameters, "id": point.id, "until": point.until}
        return None

    def strikes(self, name: str, target: str = "") -> dict[str, Any] | None:
        """As `active`, but only for the parameter `share` (0 to 1) of the askings: an intermittent fault."""
        found = self.active(name, target)
        if found is None or random.random() >= float(found.get("share", 1)):  # noqa: S311 a simulated accident
            return None
        return found

    def did(self, found: Mapping[str, Any] | None, **what: Any) -> None:
        """Log one thing that a fault really did (no patient's data): `found` is what `active` answered."""
        if found:
            self._log({"what": "did", "id": found.get("id", ""), **what})

    # ----- asked by the switchboard
    def start(
        self,
        name: str,
        target: str = "",
        *,
        parameters: Mapping[str, Any] | None = None,
        duration_s: float = 600,
        delay_s: float = 0,
        by: str = "",
        combination: str = "",
        facts: Mapping[str, Any] | None = None,
        points: Iterable[Mapping[str, Any]] = (),
    ) -> Running:
        """Switch a fault on for so many seconds (at most a day), after a delay (at most a day).

        Raises BoardError if it is already on there.
        """
        if not 0 < duration_s <= LONGEST_S:
            raise BoardError("故障时长应在 1 秒到 24 小时之间。")
        if not 0 <= delay_s <= LONGEST_S:
            raise BoardError("故障推迟的时间应在 24 小时以内。")
        now = time.time() + delay_s
        fault = Running(
            id=uuid.uuid4().hex[:12],
            name=name,
            target=target,
            parameters=dict(parameters or {}),
            since=now,
            until=now + duration_s,
            by=by,
            combination=combination,
            facts=dict(facts or {}),
            points=[dict(point) for point in points],
        )
        with self._writing() as running:
            if any(other.name == name and other.target == target for other in running):
                raise BoardError("这个故障对同一对象已在进行中，请先停止它。")
            running.append(fault)
            self._log({"what": "started", **_told(fault)})
        return fault

    def stop(self, which: str, target: str | None = None) -> list[Running]:
        """Switch off a fault by its id, or by its name (and target); returns those that were on."""
        with self._writing() as running:
            gone = [f for f in running if f.id == which or (f.name == which and target in (None, f.target))]
            for fault in gone:
                running.remove(fault)
                self._log({"what": "stopped", "id": fault.id, "name": fault.name, "to": moment(time.time())})
        return gone

    def running(self) -> list[Running]:
        """The faults that are on now, in the order in which they were started."""
        with self._writing() as running:
            return sorted(running, key=lambda fault: fault.since)

    def find(self, fault_id: str) -> Running | None:
        """The fault with this id if it is still on."""
        self._current()
        fault = self._faults.get(fault_id)
        return fault if fault and fault.until > time.time() else None

    # ----- the file
    def _current(self) -> dict[str, list[_Point]]:
        tick = time.monotonic()
        if tick - self._looked < LOOK_S:
            return self._known
        self._looked = tick
        try:
            status = os.stat(self.file)
        except FileNotFoundError:
            self._stamp, self._known, self._faults = None, {}, {}
            return self._known
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._stamp:
            known: dict[str, list[_Point]] = {}
            faults = self._read()
            for fault in faults:
                own = {"name": fault.name, "target": fault.target, "parameters": fault.parameters}
                for point in (own, *fault.points):
                    one = _Point(
                        fault.id, point.get("target", ""), fault.since, fault.until, point.get("parameters", {})
                    )
                    known.setdefault(point["name"], []).append(one)
            self._stamp, self._known, self._faults = stamp, known, {fault.id: fault for fault in faults}
        return self._known

    def _read(self) -> list[Running]:
        try:
            return [Running(**row) for row in json.loads(self.file.read_text("utf-8"))]
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def _writing(self) -> Iterator[list[Running]]:
        """The list of faults, under a lock between processes; what has run out is taken off and logged first."""
        with (self.directory / "board.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self._read()
            now = time.time()
            running = [fault for fault in before if fault.until > now]
            for fault in before:
                if fault.until <= now:
                    self._log({"what": "ended", "id": fault.id, "name": fault.name, "to": moment(fault.until)})
            yield running
            if running != before:
                fresh = self.file.with_suffix(".new")
                fresh.write_text(json.dumps([asdict(f) for f in running], ensure_ascii=False), "utf-8")
                fresh.replace(self.file)
            self._looked = -1.0

    # ----- the truth
    def _log(self, row: dict[str, Any]) -> None:
        line = json.dumps({"at": moment(time.time()), **row}, ensure_ascii=False, default=str) + "\n"
        with self.truth.open("ab", buffering=0) as log:
            log.write(line.encode())

    def log(self) -> list[dict[str, Any]]:
        """Every line of the log of truth, oldest first (a line cut off by a crash is left out)."""
        try:
            text = self.truth.read_text("utf-8")
        except FileNotFoundError:
            return []
        rows = []
        for line in text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                rows.append(json.loads(line))
        return rows

    def episodes(self) -> list[dict[str, Any]]:
        """The truth for scoring: a row a fault with `since`, `to` (None while on), `did` and the catalogue's facts."""
        self.running()
        found: dict[str, dict[str, Any]] = {}
        for row in self.log():
            if row["what"] == "started":
                found[row["id"]] = {k: v for k, v in row.items() if k not in ("what", "at")} | {"to": None, "did": []}
            elif row.get("id") in found:
                if row["what"] == "did":
                    found[row["id"]]["did"].append({k: v for k, v in row.items() if k not in ("what", "id")})
                else:
                    found[row["id"]] |= {"to": row["to"], "end": row["what"]}
        return list(found.values())


def _told(fault: Running) -> dict[str, Any]:
    row = asdict(fault)
    row |= row.pop("facts")
    return row | {"since": moment(fault.since), "until": moment(fault.until)}


_boards: dict[str, Board] = {}


def board() -> Board:
    """The board of the hospital that this process belongs to."""
    key = os.environ.get("SIMHOSPITAL_HOME", "")
    found = _boards.get(key)
    if found is None:
        found = _boards[key] = Board(home() / "faults")
    return found


def active(name: str, target: str = "") -> dict[str, Any] | None:
    """See Board.active."""
    return board().active(name, target)


def strikes(name: str, target: str = "") -> dict[str, Any] | None:
    """See Board.strikes."""
    return board().strikes(name, target)


def did(found: Mapping[str, Any] | None, **what: Any) -> None:
    """See Board.did."""
    board().did(found, **what)


def start(name: str, target: str = "", *, duration_s: float = 600, **more: Any) -> Running:
    """See Board.start."""
    return board().start(name, target, duration_s=duration_s, **more)


def stop(which: str, target: str | None = None) -> list[Running]:
    """See Board.stop."""
    return board().stop(which, target)


def running() -> list[Running]:
    """See Board.running."""
    return board().running()
