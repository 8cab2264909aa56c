"""A folder that others write into. A file is taken when it has stopped growing (or its marker is there), stored, and
moved away: to `done/DATE`, or to `failed`. Killed in between, it is taken again and told for a repeat."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import hashlib
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ..base import ChannelConfig, ChannelProblem, Intake, Overloaded, Received

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_AT_ONCE = 500
_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Seen:
    size: int
    changed: int
    since: float


class FileListener:
    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        s = channel.settings
        self.channel = channel
        self.intake = intake
        self.directory = Path(str(s["directory"]))
        self._pattern = str(s.get("pattern") or "*")
        self._marker = str(s.get("marker") or "")
        self._stable_s = float(s.get("stable_s", 3))
        self._poll_s = float(s.get("poll_s", 2))
        self._limit = int(float(s.get("limit_mb", 16)) * 2**20)
        self._done = self.directory / str(s.get("done") or "done")
        self._failed = self.directory / str(s.get("failed") or "failed")
        self._seen: dict[str, _Seen] = {}
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    async def start(self) -> None:
        try:
            await asyncio.to_thread(self._prepare)
        except OSError as error:
            raise ChannelProblem(
                f"目录 {self.directory} 用不了（{error.strerror}）：请检查路径、共享挂载和权限。"
            ) from None
        self._task = asyncio.create_task(self._work())

    def _prepare(self) -> None:
        if not self.directory.is_dir():
            raise FileNotFoundError(2, "没有这个目录")
        for folder in (self._done, self._failed):
            folder.mkdir(exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError(13, "没有写权限")

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        while not self._stop.is_set():
            try:
                for path in await asyncio.to_thread(self._ready):
                    if self._stop.is_set() or not await self._take(path):
                        break
            except OSError as error:
                self.intake.trouble(f"目录读不到：{error.strerror}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._poll_s)

    def _ready(self) -> list[Path]:
        """Files that are written to their end, oldest first."""
        now = time.monotonic()
        found: dict[str, _Seen] = {}
        ready: list[tuple[int, str, Path]] = []
        with os.scandir(self.directory) as entries:
            names = {entry.name: entry for entry in entries if entry.is_file(follow_symlinks=False)}
        for name, entry in names.items():
            if name.startswith(".") or not fnmatch.fnmatch(name, self._pattern):
                continue
            if self._marker and (name.endswith(self._marker) or name + self._marker not in names):
                continue
            status = entry.stat()
            seen = self._seen.get(name)
            if seen is None or (seen.size, seen.changed) != (status.st_size, status.st_mtime_ns):
                seen = _Seen(status.st_size, status.st_mtime_ns, now)
            found[name] = seen
            if self._marker or now - seen.since >= self._stable_s:
                ready.append((status.st_mtime_ns, name, Path(entry.path)))
        self._seen = found
        return [path for _, _, path in sorted(ready)[:_AT_ONCE]]

    async def _take(self, path: Path) -> bool:
        """False where nothing more can be stored for now."""
        try:
            received = await asyncio.to_thread(self._read, path)
        except OSError as error:
            self.intake.trouble(f"文件读不到：{error.strerror}")
            return True
        try:
            await self.intake.accept(received)
        except Overloaded as overloaded:
            self.intake.trouble(overloaded.reason)
            return False
        try:
            await asyncio.to_thread(self._away, path, self._failed if received.problem else self._done)
        except OSError as error:
            self.intake.trouble(f"文件已入库但移不走：{error.strerror}")
        return True

    def _read(self, path: Path) -> Received:
        size = path.stat().st_size
        problem = ""
        with path.open("rb") as file:
            raw = file.read(self._limit if size <= self._limit else _HEAD)
        if size > self._limit:
            problem = f"文件有 {size // 1024} KB，超过上限 {self._limit // 1024} KB：这里只留开头，全文在 failed 目录。"
        elif not raw:
            problem = "文件是空的。"
        digest = hashlib.blake2b(raw + str(size).encode(), digest_size=8).hexdigest()
        return Received(
            raw,
            control_id=f"{path.name}:{digest}",
            type=str(self.channel.settings.get("type") or path.suffix.lstrip(".").upper() or "FILE"),
            reference=path.name,
            charset=str(self.channel.settings.get("charset") or ""),
            peer=str(self.directory),
            problem=problem,
        )

    def _away(self, path: Path, folder: Path) -> None:
        day = folder / f"{datetime.now(_SHANGHAI):%Y%m%d}"
        day.mkdir(parents=True, exist_ok=True)
        target = day / path.name
        number = 1
        while target.exists():
            target = day / f"{path.stem}~{number}{path.suffix}"
            number += 1
        path.replace(target)
        if self._marker:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + self._marker).unlink()
