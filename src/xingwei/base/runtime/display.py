"""How commands tell what they do: a line per stage, on a terminal with a bar while it lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from .setup import Report

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
_LINE_EVERY_S = 15
_SILENT_S = 0.3  # stages shorter than this are not worth a line


class _Bar(Report):
    """On a terminal a bar; elsewhere a line every quarter of a minute, so that nobody thinks that it hangs."""

    def __init__(self, progress: Progress, task: TaskID, label: str) -> None:
        self.progress, self.task, self.label = progress, task, label
        self.said = time.monotonic()

    def __call__(self, done: int, total: int, text: str = "") -> None:
        self.progress.update(self.task, completed=done, total=total, detail=text)
        if not console.is_terminal and time.monotonic() - self.said > _LINE_EVERY_S:
            self.said = time.monotonic()
            console.print(f"· {self.label} {100 * done // max(total, 1)}%")


@contextmanager
def stage(label: str, *, always: bool = False) -> Iterator[Report]:
    """Run one stage under its label; afterwards a line with its time, unless it was over at once."""
    began = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}", style="dim"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(progress, progress.add_task(label, total=None, detail=""), label)
    took = time.monotonic() - began
    if always or took >= _SILENT_S:
        console.print(f"[green]✓[/] {label}  [dim]{took:.1f} 秒[/]")
