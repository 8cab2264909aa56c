"""Out into a folder: written under a hidden name, flushed to the disk, and only then given its real name, so that the
other side never sees half a file."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from ..base import Answer, ChannelConfig, NotSent, Outgoing, Unknown

_NAUGHTY = re.compile(r"[^\w.\-]", re.ASCII)


class FileSender:
    def __init__(self, channel: ChannelConfig) -> None:
        self.channel = channel
        self.repeatable = bool(channel.settings.get("repeatable", True))
        self._directory = Path(str(channel.settings["directory"]))
        self._template = str(channel.settings.get("name") or "{number}.txt")
        self._replace = channel.settings.get("existing", "replace") == "replace"

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        return await asyncio.to_thread(self._write, outgoing)

    async def close(self) -> None:
        """Nothing is held open."""

    def name_of(self, outgoing: Outgoing) -> str:
        name = self._template
        for field in ("number", "control_id", "type", "key"):
            name = name.replace(f"{{{field}}}", _NAUGHTY.sub("_", str(getattr(outgoing, field))))
        return name.replace("/", "_").lstrip(".")[:200] or outgoing.number

    def _write(self, outgoing: Outgoing) -> Answer:
        target = self._directory / self.name_of(outgoing)
        if not self._replace and target.exists():
            if target.read_bytes() == outgoing.raw:
                return Answer(True, code="已有", text=target.name)
            return Answer(False, permanent=True, code="同名", text=f"目录里已有内容不同的 {target.name}")
        hidden = target.with_name(f".{target.name}.{outgoing.delivery_id}.tmp")
        try:
            with hidden.open("wb") as file:
                file.write(outgoing.raw)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            hidden.unlink(missing_ok=True)
            raise NotSent(f"目录写不了（{error.strerror}）：请检查共享挂载、空间和权限。") from None
        try:
            hidden.replace(target)
            self._flush_directory()
        except OSError as error:
            raise Unknown(f"文件改名没有完成：{error.strerror}") from None
        return Answer(True, code="已写", text=target.name)

    def _flush_directory(self) -> None:
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
