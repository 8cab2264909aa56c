"""What an installation decides about its backups."""

from __future__ import annotations

from pathlib import Path

from xingwei.base.site.registry import Setting, register

_GROUP = "备份"


def _writable(value: str) -> str | None:
    if not value:
        return None
    path = Path(value)
    if not path.is_absolute():
        return "请写完整路径，例如 /mnt/backup"
    return None if path.is_dir() else "服务器上没有这个目录"


register(
    Setting("backup.hour", _GROUP, "每天几点备份", 2, unit="时", low=0, high=23, why="选业务最少的时候"),
    Setting("backup.keep", _GROUP, "保留最近几份", 14, unit="份", low=1, high=365, why="两周内的问题都能退回"),
    Setting(
        "backup.copy_to",
        _GROUP,
        "再抄一份到目录",
        "",
        kind="text",
        why="挂载的另一台机器的目录。备份和数据在同一块盘上，盘坏了就都没有了",
        check=_writable,
    ),
)
