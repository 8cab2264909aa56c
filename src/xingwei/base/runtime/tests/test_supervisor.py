"""The supervisor with children that are small Python programs: restarted, stopped, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from xingwei.base.runtime import config, state, supervisor
from xingwei.base.runtime.supervisor import Child, Supervisor
from xingwei.base.runtime.trouble import Trouble

PYTHON = (sys.executable, "-c")
LIVES = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('up', flush=True); time.sleep(600)"
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Config:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.02,))
    monkeypatch.setattr(supervisor, "STOP_S", 0.5)
    return config.from_environment({"XINGWEI_HOME": str(tmp_path)})


def run(settings: config.Config, *children: Child, until: Callable[[state.State], object]) -> state.State:
    """Run the children until the written state is as wanted, then stop by a signal as Ctrl-C does."""
    seen: list[state.State] = []

    def watch() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not stop.is_set():
            now = state.read(settings)
            if now is not None and ready.is_set() and until(now):
                seen.append(now)
                break
            stop.wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    ready, stop = threading.Event(), threading.Event()
    watcher = threading.Thread(target=watch)
    with state.only_one(settings):
        watcher.start()
        try:
            asyncio.run(Supervisor(settings, children, "http://x", PYTHON).run(ready.set))
        finally:
            stop.set()
            with contextlib.suppress(KeyboardInterrupt):
                watcher.join()
    assert seen, "it never came to the wanted state"
    return seen[0]


def test_children_run_and_stop_together(settings: config.Config) -> None:
    got = run(settings, Child("a", "甲", (LIVES,)), Child("b", "乙", (LIVES,)), until=lambda s: True)
    pids = [child.pid for child in got.children]
    assert all(pids)
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)
    assert state.read(settings) is None


def test_a_child_that_dies_is_started_again(settings: config.Config, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    dies_once = (
        f"import pathlib, sys, time; m = pathlib.Path({str(mark)!r}); first = not m.exists(); m.touch();"
        "time.sleep(1 if first else 600); sys.exit(7)"
    )
    got = run(
        settings, Child("a", "甲", (dies_once,)), until=lambda s: s.children[0].restarts == 1 and s.children[0].pid
    )
    assert got.children[0].last_exit == 7


def test_what_ignores_the_signal_is_killed_with_all_that_it_started(settings: config.Config) -> None:
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    run(settings, Child("a", "甲", (STUBBORN,)), until=lambda s: (settings.logs / "a.log").read_text().endswith("up\n"))
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before


def test_a_child_that_never_starts_ends_all_with_its_last_line(settings: config.Config) -> None:
    broken = Child("a", "甲服务", ("import sys; print('没有这个文件'); sys.exit(1)",), healthy=lambda: False)
    with pytest.raises(Trouble, match="甲服务不能启动：没有这个文件"):
        asyncio.run(Supervisor(settings, [broken, Child("b", "乙", (LIVES,))], "http://x", PYTHON).run(lambda: None))


def test_a_child_that_is_not_needed_may_fail_and_has_its_own_program_and_environment(settings: config.Config) -> None:
    script = "import os, sys; print('X is', os.environ['X']); sys.exit(1)"
    broken = Child("x", "旁", ("-c", script), program=(sys.executable,), env={"X": "7"}, needed=False)
    got = run(settings, broken, Child("a", "甲", (LIVES,)), until=lambda s: s.children[0].restarts >= 4)
    assert got.children[1].pid
    assert "X is 7" in (settings.logs / "x.log").read_text()


def test_lines_are_passed_on_and_kept(settings: config.Config, capsys: pytest.CaptureFixture[str]) -> None:
    def said(_: state.State) -> bool:
        return "up" in (settings.logs / "a.log").read_text()

    run(settings, Child("a", "甲", (LIVES,)), until=said)
    assert "a       │ up" in capsys.readouterr().out


def test_only_one_runs_in_a_home(settings: config.Config) -> None:
    with state.only_one(settings):
        state.write(settings, state.State("http://x:8000", os.getpid(), 0.0))
        with (
            pytest.raises(Trouble, match=f"已经在运行：http://x:8000 （进程 {os.getpid()}）"),
            state.only_one(settings),
        ):
            pass
    with state.only_one(settings):  # a lock that was given back, or whose holder died, is no obstacle
        pass
