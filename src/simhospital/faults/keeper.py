"""The process that keeps a fault: it applies what must be held, waits for the fault's end, and takes it back.

It is two processes: one does the work, the other waits for it and takes back what it left if it was killed. If both
are killed, `sweep` (run by every command and page of the switchboard) takes back what is past its end. What undoing
needs is written to `kept/ID.json` before anything is done.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simhospital.home import home

from .board import Board, board
from .catalogue import find
from .effects import Context, Effect, EffectError, kinds

TICK_S = 0.1


class Kept:
    """The file of one kept fault."""

    def __init__(self, directory: Path, fault: str) -> None:
        self.fault = fault
        self.file = directory / "kept" / f"{fault}.json"
        self.file.parent.mkdir(parents=True, exist_ok=True)

    def write(self, document: dict[str, Any]) -> None:
        """Replace the file, durably."""
        fresh = self.file.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as out:
            json.dump(document, out, ensure_ascii=False, default=str)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.file)

    def read(self) -> dict[str, Any] | None:
        """The document, or None where the fault is not kept (any more)."""
        try:
            found: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        return found

    @contextlib.contextmanager
    def holding(self, wait: bool = False) -> Iterator[bool]:
        """Whether this process holds the fault now (one at a time)."""
        with self.file.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except OSError:
                yield False
                return
            yield True

    def forget(self) -> None:
        """Remove the files."""
        self.file.unlink(missing_ok=True)
        self.file.with_suffix(".lock").unlink(missing_ok=True)


def _effects(specs: list[dict[str, Any]], context: Context) -> list[Effect]:
    known = kinds()
    return [known[spec["kind"]](spec, context) for spec in specs]


def take_back(common: Board, kept: Kept, document: dict[str, Any], effects: list[Effect] | None = None) -> None:
    """Undo the planned effects, last first; what cannot be undone now stays on file and is tried again."""
    context = Context(kept.fault, common.directory.parent, document["database_url"])
    live = effects or _effects([row["spec"] for row in document["effects"]], context)
    left = []
    for effect, row in reversed(list(zip(live, document["effects"], strict=False))):
        try:
            effect.undo(row["plan"])
        except (EffectError, OSError) as error:
            left.append({**row, "problem": str(error)})
    if left:
        kept.write({**document, "effects": list(reversed(left)), "status": "stuck", "text": left[0]["problem"]})
        return
    kept.forget()
    common.did({"id": kept.fault}, step="undone")


def keep(fault_id: str) -> int:
    """Apply, wait, take back. Returns the exit status."""
    common = board()
    fault = common.find(fault_id)
    kept = Kept(common.directory, fault_id)
    if fault is None:
        return 1
    context = Context.here(fault_id, home())
    document: dict[str, Any] = {
        "id": fault_id, "code": fault.name, "status": "waiting", "text": "", "effects": [],
        "database_url": context.database_url,
    }  # fmt: skip
    with kept.holding() as mine:
        if not mine:
            return 1
        kept.write(document)
        while time.time() < fault.since and common.find(fault_id):
            time.sleep(TICK_S)
        if common.find(fault_id) is None:  # stopped before it began
            kept.forget()
            return 0
        specs = [spec for spec in find(fault.name).rendered(fault.parameters) if "kind" in spec]
        live = _effects(specs, context)
        try:
            _apply(common, kept, document, live)
        except (EffectError, OSError) as error:
            common.did({"id": fault_id}, step="failed", text=str(error))
            take_back(common, kept, document, live)
            kept.write({**document, "effects": [], "status": "failed", "text": str(error)})
            common.stop(fault_id)
            return 2
        while common.find(fault_id):
            time.sleep(TICK_S)
        take_back(common, kept, document, live)
    return 0


def _apply(common: Board, kept: Kept, document: dict[str, Any], live: list[Effect]) -> None:
    for effect in live:
        plan = effect.plan()
        document["effects"].append({"spec": effect.spec, "plan": plan})
        kept.write(document)
        really = effect.apply(plan)
        common.did({"id": kept.fault}, step="applied", kind=effect.kind, **really)
    document["status"] = "on"
    kept.write(document)


def sweep(common: Board | None = None) -> list[str]:
    """Take back what nobody keeps any more although its fault is over; returns the ids."""
    common = common or board()
    swept = []
    for file in sorted((common.directory / "kept").glob("*.json")):
        kept = Kept(common.directory, file.stem)
        if common.find(kept.fault):
            continue
        with kept.holding() as mine:
            document = kept.read() if mine else None
            if document is not None and document["status"] == "failed":
                kept.forget()
            elif document is not None:
                take_back(common, kept, document)
                swept.append(kept.fault)
    return swept


def main() -> int:
    """`python -m simhospital.faults.keeper ID`."""
    fault_id = sys.argv[1]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C at the switchboard is not for the fault
    worker = os.fork()
    if worker == 0:
        os._exit(keep(fault_id))
    _, status = os.waitpid(worker, 0)
    if os.WIFSIGNALED(status):  # killed: the effect must not outlive it
        common = board()
        common.stop(fault_id)
        sweep(common)
    return 0


if __name__ == "__main__":
    sys.exit(main())
