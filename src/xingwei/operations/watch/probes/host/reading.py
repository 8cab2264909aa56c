"""What /proc says, as numbers: for the agentless look and for what an agent pushes. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ...engine.judging import Limit, number
from ..base import MS, Signal

# one round trip; every part begins with a mark. `date` is asked twice, so that the journey can be halved out.
COMMAND = (
    "echo @t; date +%s.%N; echo @stat; head -1 /proc/stat; echo @mem; cat /proc/meminfo; echo @load; cat /proc/loadavg; "
    "echo @up; cat /proc/uptime; echo @fd; cat /proc/sys/fs/file-nr; echo @df; df -P -k 2>/dev/null; "
    "echo @di; df -P -i 2>/dev/null; echo @end"
)
SIGNALS = (
    MS, Signal("host.cpu", "处理器", "%"), Signal("host.iowait", "磁盘等待", "%"), Signal("host.steal", "被宿主机挤占", "%"),
    Signal("host.mem", "内存", "%"), Signal("host.swap", "换页区", "%"), Signal("host.disk", "磁盘", "%"),
    Signal("host.inode", "文件数", "%"), Signal("host.fd", "文件句柄", "%"), Signal("host.load", "每核负载", ""),
    Signal("host.offset", "时钟偏差", "秒", ""), Signal("host.clock", "时钟偏差（绝对值）", "秒"),
    Signal("host.uptime_h", "开机时长", "小时", "low"),
)  # fmt: skip
LIMITS = (
    Limit("host.cpu", warn=90, down=None, for_s=300), Limit("host.mem", warn=92, down=98, for_s=120),
    Limit("host.disk", warn=85, down=97), Limit("host.inode", warn=85, down=97), Limit("host.fd", warn=85, down=97),
    Limit("host.swap", warn=60, for_s=300), Limit("host.clock", warn=2, down=60), Limit("host.iowait", warn=40, for_s=300),
)  # fmt: skip
_SKIP = ("tmpfs", "devtmpfs", "overlay", "squashfs", "udev", "shm", "none", "efivarfs")


def read(
    text: str, memory: dict[str, Any], *, now: float | None, took_s: float = 0.0, mounts: Collection[str] | None = None
) -> dict[str, float]:  # fmt: skip
    """Numbers by signal; empty where this is no answer of COMMAND. now: our own clock at the end of the journey; None:
    the clock is not compared. memory keeps the counters between looks: processor figures come with the second look."""
    parts = _parts(text)
    if "stat" not in parts or "mem" not in parts:
        return {}
    out: dict[str, float] = {}
    out |= _cpu(parts["stat"], memory) | _mem(parts["mem"])
    try:
        if now is not None:
            out["host.offset"] = float(parts["t"][0]) - (now - took_s / 2)
            out["host.clock"] = abs(out["host.offset"])
        out["host.uptime_h"] = float(parts["up"][0].split()[0]) / 3600
        used, _, most = parts["fd"][0].split()[:3]
        out["host.fd"] = min(100.0 * int(used) / max(int(most), 1), 100.0)
    except (KeyError, IndexError, ValueError):
        pass
    for name, signal in (("df", "host.disk"), ("di", "host.inode")):
        worst = _fullest(parts.get(name, []), mounts)
        if worst is not None:
            out[signal], memory[f"where:{signal}"] = worst
    return {k: round(v, 3) for k, v in out.items()}


def said(values: dict[str, float]) -> str:
    names = (("host.cpu", "处理器"), ("host.mem", "内存"), ("host.disk", "磁盘"))
    words = [f"{label} {number(values[k])} %" for k, label in names if k in values]
    return "，".join(words) or "主机应答"


def _parts(text: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("@"):
            lines = out.setdefault(line[1:].strip(), [])
        elif line.strip():
            lines.append(line.strip())
    return out


def _cpu(lines: list[str], memory: dict[str, Any]) -> dict[str, float]:
    try:
        ticks = [int(x) for x in lines[0].split()[1:9]]
    except (IndexError, ValueError):
        return {}
    before, memory["ticks"] = memory.get("ticks"), ticks
    if before is None or len(before) != len(ticks) or sum(ticks) <= sum(before):
        return {}
    diff = [max(a - b, 0) for a, b in zip(ticks, before, strict=True)]
    total = max(sum(diff), 1)
    share = [100.0 * d / total for d in diff]
    out = {"host.cpu": 100.0 - share[3] - share[4], "host.iowait": share[4]}
    if len(share) > 7:
        out["host.steal"] = share[7]
    return out


def _mem(lines: list[str]) -> dict[str, float]:
    kb = {}
    for line in lines:
        name, _, rest = line.partition(":")
        value = rest.split()
        if value and value[0].isdecimal():
            kb[name] = int(value[0])
    out = {}
    if total := kb.get("MemTotal"):
        free = kb.get("MemAvailable", kb.get("MemFree", 0) + kb.get("Cached", 0) + kb.get("Buffers", 0))
        out["host.mem"] = 100.0 * (1 - free / total)
    if swap := kb.get("SwapTotal"):
        out["host.swap"] = 100.0 * (1 - kb.get("SwapFree", 0) / swap)
    return out


def _fullest(lines: list[str], mounts: Collection[str] | None) -> tuple[float, str] | None:
    found = []
    for line in lines[1:]:
        fields = line.split(None, 5)
        if len(fields) < 6 or not fields[4].endswith("%") or not fields[4][:-1].isdecimal():
            continue
        if (mounts and fields[5] not in mounts) or (not mounts and fields[0] in _SKIP):
            continue
        found.append((float(fields[4][:-1]), fields[5]))
    return max(found, default=None)
