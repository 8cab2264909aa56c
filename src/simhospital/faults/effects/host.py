"""What runs out on a host: disk, inodes, processor, memory, file descriptors. Only the hospital's own directories.

Disk and inodes are those of a small file system of its own in memory (`host/NAME` in the hospital's directory),
mounted for the fault, which takes root on Linux; without it the effect refuses, and says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

from .base import Effect, EffectError

MOST_MB = 64
BURN = """import sys, time
share = float(sys.argv[1])
while True:
    end = time.monotonic() + 0.1 * share
    while time.monotonic() < end:
        pass
    time.sleep(0.1 * (1 - share))
"""


class Volume(Effect):
    """Base: a small file system under the hospital's directory."""

    @property
    def place(self) -> Path:
        """Where it is mounted."""
        return self.context.home / "host" / str(self.spec.get("volume", "log"))

    def options(self) -> str:
        """Mount options."""
        return f"size={min(MOST_MB, int(self.spec.get('size_mb', 4)))}m"

    def plan(self) -> dict[str, Any]:
        if os.geteuid() != 0 or shutil.which("mount") is None:
            raise EffectError("装一个小文件系统要 root 权限，这台机器上做不了磁盘写满；其他故障不受影响。")
        return {"place": str(self.place)}

    def mount(self) -> None:
        """Mount it, empty."""
        self.place.mkdir(parents=True, exist_ok=True)
        if os.path.ismount(self.place):
            raise EffectError(f"{self.place} 已经装了一个文件系统。")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", self.options(), "tmpfs", str(self.place)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EffectError(f"装不上文件系统：{done.stderr.strip()}")

    def undo(self, plan: dict[str, Any]) -> None:
        place = Path(plan["place"])
        if self.context.home in place.parents and os.path.ismount(place):
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


class DiskFull(Volume):
    """The file system is full to the last byte."""

    kind = "disk-full"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        self.mount()
        with (self.place / "app.log").open("wb", buffering=0) as log, contextlib.suppress(OSError):
            while True:
                log.write(b"log\n" * 16384)
        usage = shutil.disk_usage(self.place)
        return {"place": str(self.place), "used": usage.used, "free": usage.free}


class NoInodes(Volume):
    """There is room, and no inode."""

    kind = "inodes-gone"

    def options(self) -> str:
        return super().options() + ",nr_inodes=64"

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        self.mount()
        count = 0
        with contextlib.suppress(OSError):
            while True:
                (self.place / f"tmp{count:04d}.pdf").touch()
                count += 1
        return {"place": str(self.place), "files": count, "free": shutil.disk_usage(self.place).free}


class Burning(Effect):
    """Processors kept busy by low-priority processes: `cores` of them, each to `share`."""

    kind = "cpu"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.running: list[subprocess.Popen[bytes]] = []

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        cores = max(1, min(int(self.spec.get("cores", 1)), os.cpu_count() or 1))
        share = min(1.0, max(0.05, float(self.spec.get("share", 0.9))))
        for _ in range(cores):
            command = ["nice", "-n", "19", sys.executable, "-c", BURN, str(share)]
            self.running.append(subprocess.Popen(command, preexec_fn=_die_with_parent))  # noqa: PLW1509
        return {"processes": [process.pid for process in self.running], "share": share}

    def undo(self, plan: dict[str, Any]) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.running.clear()


def _die_with_parent() -> None:
    """Have the kernel end this process when the one that keeps the fault ends (Linux)."""
    import ctypes
    import signal

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Memory(Effect):
    """Memory taken, really written to: `mb`, never more than a quarter of what is free; at once or over `grow_s`."""

    kind = "memory"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.taken: list[bytearray] = []
        self.ending = threading.Event()

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        free = psutil.virtual_memory().available // 2**20
        wanted = max(1, min(int(self.spec.get("mb", 512)), free // 4))
        seconds = float(self.spec.get("grow_s", 0))
        if seconds:
            threading.Thread(target=self._grow, args=(wanted, seconds), daemon=True).start()
        else:
            self.taken.append(bytearray(b"\x55") * (wanted * 2**20))
        return {"mb": wanted, "over_s": seconds, "free_before_mb": free, "pid": os.getpid()}

    def _grow(self, wanted: int, seconds: float) -> None:
        steps = max(1, min(wanted, int(seconds * 5)))
        for step in range(steps):
            if self.ending.wait(seconds / steps):
                return
            part = wanted * 2**20 * (step + 1) // steps - wanted * 2**20 * step // steps
            self.taken.append(bytearray(b"\x55") * part)

    def undo(self, plan: dict[str, Any]) -> None:
        self.ending.set()
        self.taken.clear()


class Descriptors(Effect):
    """A gateway program out of file descriptors: it opens lines to `port` until the system refuses, and keeps them."""

    kind = "descriptors"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lines: list[socket.socket] = []

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = min(512, int(self.spec.get("limit", 128)), hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        refused = ""
        while not refused:
            try:
                line = socket.socket()
                line.settimeout(2)
                self.lines.append(line)
                line.connect(("127.0.0.1", int(self.spec["port"])))
            except OSError as error:
                refused = errno.errorcode.get(error.errno or 0, str(error))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if refused != "EMFILE":
            self.undo(plan)
            raise EffectError(f"连不上端口 {self.spec['port']}（{refused}），先让模拟医院运行起来。")
        return {"lines": len(self.lines), "limit": limit, "refused": refused, "pid": os.getpid()}

    def undo(self, plan: dict[str, Any]) -> None:
        for line in self.lines:
            line.close()
        self.lines.clear()
