"""What a new or upgraded installation needs beyond its tables: rooms register idempotent steps.

    @step(30, "导入合同", files=(DIRECTORY,))
    def contract(report: Report) -> None: …

A step runs once, and again when one of its files has changed. demo=True: only where the demonstration data are
wanted. Steps run in order; one that was interrupted runs again, so a step may meet its own half-done work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


class Report:
    """Where a step tells how far it is. The base class keeps quiet."""

    def __call__(self, done: int, total: int, text: str = "") -> None:
        """done of total; text: what is being done, in Chinese."""


@dataclass(frozen=True, slots=True)
class Step:
    order: int
    name: str
    label: str
    run: Callable[[Report], None]
    demo: bool
    files: tuple[Path, ...]

    def fingerprint(self) -> str:
        """Changes when one of the step's files does."""
        digest = hashlib.sha256()
        for path in _all_files(self.files):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()


_steps: dict[str, Step] = {}


def step(
    order: int, label: str, *, demo: bool = False, files: Iterable[Path] = ()
) -> Callable[[Callable[[Report], None]], Callable[[Report], None]]:
    """Register a set-up step under its module's and function's name."""

    def register(run: Callable[[Report], None]) -> Callable[[Report], None]:
        name = f"{run.__module__}.{run.__name__}"
        _steps[name] = Step(order, name, label, run, demo, tuple(files))
        return run

    return register


def steps(*, demo: bool) -> list[Step]:
    """The steps of an installation, in order."""
    chosen = [s for s in _steps.values() if demo or not s.demo]
    return sorted(chosen, key=lambda s: (s.order, s.name))


def _all_files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return found
