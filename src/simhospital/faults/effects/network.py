"""A stretch of network of our own: a name space with a line to it that can be lossy, slow, narrow or cut.

The far end (`10.254.N.2`, TCP 7) echoes. Takes root, `ip` and `tc`. Nothing else on the machine uses the line, so
nothing else can suffer; the hospital's own lines are cut at their peers instead (see the definitions).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from typing import Any

from .base import Effect, EffectError

ECHO = (
    "import socketserver\n"
    "class E(socketserver.BaseRequestHandler):\n"
    " def handle(self):\n"
    "  while d := self.request.recv(65536): self.request.sendall(d)\n"
    "socketserver.ThreadingTCPServer.allow_reuse_address = True\n"
    "socketserver.ThreadingTCPServer(('', 7), E).serve_forever()\n"
)


class Line(Effect):
    """`loss` (per cent), `delay_ms`, `mtu`, or `down: true`."""

    kind = "network-line"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.echo: subprocess.Popen[bytes] | None = None

    def plan(self) -> dict[str, Any]:
        if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tc"):
            raise EffectError("这台机器上没有 root 权限或 ip、tc 命令，网络故障改由模拟的对端断开连接来做。")
        number = int(self.context.fault[:2], 16)
        return {"name": f"simh-{self.context.fault[:8]}", "number": number, "device": f"sh{self.context.fault[:8]}"}

    def _run(self, *words: str) -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EffectError(f"{' '.join(words[:3])} 没有成功：{done.stderr.strip()}")

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        name, device, far = plan["name"], plan["device"], plan["device"] + "x"
        here, there = f"10.254.{plan['number']}.1/30", f"10.254.{plan['number']}.2/30"
        self._run("ip", "netns", "add", name)
        self._run("ip", "link", "add", device, "type", "veth", "peer", "name", far, "netns", name)
        self._run("ip", "addr", "add", here, "dev", device)
        self._run("ip", "link", "set", device, "up")
        self._run("ip", "-n", name, "addr", "add", there, "dev", far)
        self._run("ip", "-n", name, "link", "set", far, "up")
        self.echo = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, "-c", ECHO])
        if self.spec.get("down"):
            self._run("ip", "-n", name, "link", "set", far, "down")
        elif self.spec.get("mtu"):
            self._run("ip", "-n", name, "link", "set", far, "mtu", str(int(self.spec["mtu"])))
        else:
            words = ["delay", f"{int(self.spec.get('delay_ms', 0))}ms", "loss", f"{float(self.spec.get('loss', 0))}%"]
            self._run("tc", "qdisc", "add", "dev", device, "root", "netem", *words)
        return {"peer": there.partition("/")[0], "port": 7, **{k: v for k, v in self.spec.items() if k != "kind"}}

    def undo(self, plan: dict[str, Any]) -> None:
        if self.echo:
            self.echo.kill()
            self.echo.wait()
            self.echo = None
        with contextlib.suppress(OSError):
            asked = ["ip", "netns", "pids", plan["name"]]
            pids = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
            for pid in pids:
                os.kill(int(pid), 9)
            subprocess.run(["ip", "link", "del", plan["device"]], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", plan["name"]], capture_output=True, check=False)
