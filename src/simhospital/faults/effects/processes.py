"""A process of the hospital that stops answering (SIGSTOP) or dies (SIGKILL). Only one that announced itself."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

import psutil

from .base import Effect, EffectError


class Process(Effect):
    """`process`: the name under which it announced itself; `how`: 停住 (continued afterwards) or 杀掉."""

    kind = "process"

    def plan(self) -> dict[str, Any]:
        name = str(self.spec["process"])
        file = self.context.home / "run" / f"{name}.pid"
        try:
            pid = int(file.read_text())
            process = psutil.Process(pid)
            mine = process.environ().get("SIMHOSPITAL_HOME", "")
            words = " ".join(process.cmdline())
        except (OSError, ValueError, psutil.Error):
            raise EffectError(f"模拟医院的“{name}”没有在运行。") from None
        if "simhospital" not in words and mine != str(self.context.home):
            raise EffectError(f"进程 {pid} 不是模拟医院的，没有动它。")
        return {"pid": pid, "born": process.create_time()}

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        how = str(self.spec.get("how", "停住"))
        os.kill(plan["pid"], signal.SIGKILL if how == "杀掉" else signal.SIGSTOP)
        return {"pid": plan["pid"], "how": how}

    def undo(self, plan: dict[str, Any]) -> None:
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if abs(psutil.Process(plan["pid"]).create_time() - plan["born"]) < 1:
                os.kill(plan["pid"], signal.SIGCONT)
