"""Keeps the children running: starts them, passes their lines on, restarts those that end, stops all.

Each child leads a process group of its own, so that a signal meant for the supervisor reaches it alone and what
a dead child left behind can be removed with it. On Linux a child is told to stop when the supervisor dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import logging.handlers
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.markup import escape

from . import state
from .config import Config
from .display import console
from .trouble import Trouble

PROGRAM = (sys.executable, "-m", "xingwei.web.cli")
BACKOFF_S = (0.5, 1, 2, 5, 10, 30)
STEADY_S = 60.0  # a child that ran so long starts its backoff anew
STOP_S = 8.0  # then it is killed
FAILURES_AT_START = 3
_PR_SET_PDEATHSIG = 1
_LOG_BYTES, _LOG_FILES = 10_000_000, 5


@dataclass(frozen=True, slots=True)
class Child:
    """command: arguments of `xingwei`, or of another program. healthy: asked until it says yes; None: it is enough
    to live. env: what its environment has besides. needed: the product cannot start without it."""

    name: str
    label: str
    command: tuple[str, ...]
    healthy: Callable[[], bool] | None = None
    start_s: float = 60.0
    program: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    needed: bool = True


@dataclass(slots=True)
class _Running:
    child: Child
    state: state.ChildState
    log: logging.Logger
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=1))


class Supervisor:
    """program: what a child's command is given to; address: where people find the product."""

    def __init__(
        self, config: Config, children: Sequence[Child], address: str, program: Sequence[str] = PROGRAM
    ) -> None:
        self.config = config
        self.program = program
        self.running = [
            _Running(c, state.ChildState(c.name, c.label), _log_file(config.logs, c.name)) for c in children
        ]
        self.state = state.State(address, os.getpid(), time.time(), [r.state for r in self.running])
        self.stopping = asyncio.Event()
        self.failure: str = ""

    async def run(self, ready: Callable[[], None]) -> None:
        """Until SIGINT or SIGTERM. ready is called once all children are healthy.

        Raises Trouble when a child cannot be started at all.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        keepers = [asyncio.create_task(self._keep(r)) for r in self.running]
        try:
            if await self._until(self._all_ready()):
                ready()
                await self.stopping.wait()
        finally:
            self.stopping.set()
            await asyncio.gather(*keepers)
        if self.failure:
            raise Trouble(self.failure)

    async def _all_ready(self) -> None:
        for r in self.running:
            await r.ready.wait()

    async def _keep(self, r: _Running) -> None:
        failures = 0
        if not r.child.needed:
            r.ready.set()
        while not self.stopping.is_set():
            began = time.monotonic()
            code = await self._once(r)
            if self.stopping.is_set():
                return
            r.state.restarts, r.state.last_exit = r.state.restarts + 1, code
            failures = 1 if time.monotonic() - began > STEADY_S else failures + 1
            if not r.ready.is_set() and failures >= FAILURES_AT_START:
                log = self.config.logs / f"{r.child.name}.log"
                self.failure = f"{r.child.label}不能启动：{r.last_lines[-1] if r.last_lines else code}\n详见 {log}"
                self.stopping.set()
                return
            pause = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
            self._say(r, f"意外停止（退出码 {code}），{pause:g} 秒后重新启动")
            self._write()
            await self._until(asyncio.sleep(pause))

    async def _once(self, r: _Running) -> int:
        """One life of the child; its exit code."""
        r.process = process = await asyncio.create_subprocess_exec(
            *(r.child.program or self.program),
            *r.child.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            limit=2**20,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **r.child.env},
        )
        r.state.pid, r.state.started_at = process.pid, time.time()
        self._write()
        reader = asyncio.create_task(self._pass_on(r, process))
        watcher = asyncio.create_task(self._watch_health(r))
        if not await self._until(process.wait()):
            await self._end(process)
        watcher.cancel()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever it left behind
        await asyncio.wait([reader], timeout=1)
        reader.cancel()
        r.state.pid = None
        return process.returncode if process.returncode is not None else -1

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _watch_health(self, r: _Running) -> None:
        deadline = time.monotonic() + r.child.start_s
        while r.child.healthy and not await asyncio.to_thread(r.child.healthy):
            if time.monotonic() > deadline:
                self._say(r, f"{r.child.start_s:g} 秒后仍没有就绪")
                deadline = float("inf")
            await asyncio.sleep(0.1)
        if r.child.healthy is None:
            await asyncio.sleep(0.5)
        r.ready.set()

    async def _pass_on(self, r: _Running, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line longer than the limit was dropped
                continue
            if not raw:
                return
            line = raw.decode(errors="replace").rstrip()
            r.last_lines.append(line)
            r.log.info("%s", line)
            self._say(r, line)

    def _say(self, r: _Running, line: str) -> None:
        console.print(f"[dim]{r.child.name:<8}│[/] {escape(line)}")

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # a full disk must not end what still runs
            state.write(self.config, self.state)

    async def _until(self, work: Coroutine[Any, Any, object]) -> bool:
        """Wait for the work or for the end, whichever is first; True when the work is done."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self.stopping.wait())
        await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            return False
        return True


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _log_file(directory: Path, name: str) -> logging.Logger:
    directory.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger(f"xingwei.child.{name}")
    handler = logging.handlers.RotatingFileHandler(
        directory / f"{name}.log", maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.INFO)
    return log
