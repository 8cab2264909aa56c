"""A Linux host without an agent: one SSH session is kept, one command reads /proc; nothing is installed there."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncssh

from ..base import HOST, PASSWORD, PORT, UP, Kind, Looked, ProbeProblem, Task, register, schema, why
from . import reading

_KEYS: dict[str, Any] = {"type": "string", "maxLength": 300}


async def connected(task: Task) -> asyncssh.SSHClientConnection:
    """The session of this probe. Raises OSError, asyncssh.Error, TimeoutError."""
    kept: asyncssh.SSHClientConnection | None = task.memory.get("ssh")
    if kept is not None and not kept.is_closed():
        return kept
    s = task.settings
    known: Any = None if not s.get("host_key") else asyncssh.import_known_hosts(f"{_known(s)} {s['host_key']}\n")
    if known is None and not s.get("trust_any_host"):
        raise ProbeProblem("没有填对方的主机公钥（host_key），无法确认连的是它")
    keys = [asyncssh.import_private_key(s["private_key"])] if s.get("private_key") else None
    kept = task.memory["ssh"] = await asyncssh.connect(
        s["host"], s.get("port", 22), username=s["user"], password=s.get("password") or None, client_keys=keys,
        known_hosts=known, connect_timeout=task.timeout_s, keepalive_interval=30, config=None, agent_path=None,
    )  # fmt: skip
    return kept


def _known(s: Any) -> str:
    port = s.get("port", 22)
    return s["host"] if port == 22 else f"[{s['host']}]:{port}"


async def run(task: Task, command: str) -> str:
    """What a command says. Raises as `connected`."""
    session = await connected(task)
    try:
        async with asyncio.timeout(task.timeout_s):
            done = await session.run(command, check=False, input="")
    except (OSError, asyncssh.Error, TimeoutError):
        task.memory.pop("ssh", None)
        session.close()
        raise
    return str(done.stdout or "")


def ssh_why(error: BaseException) -> str:
    if isinstance(error, asyncssh.PermissionDenied):
        return "SSH 登录被拒绝（账号、口令或密钥不对）"
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "对方的主机公钥与登记的不符"
    if isinstance(error, asyncssh.Error):
        return f"SSH：{error.reason}"[:160]
    return why(error)


async def look(task: Task) -> Looked:
    began = time.perf_counter()
    try:
        text = await run(task, reading.COMMAND)
    except (OSError, TimeoutError, asyncssh.Error) as error:
        return Looked(False, ssh_why(error))
    took = time.perf_counter() - began
    values = reading.read(text, task.memory, now=time.time(), took_s=took, mounts=task.settings.get("mounts"))
    if not values:
        return Looked(False, "读不懂主机的回答（不是 Linux，或没有 /proc）")
    return Looked(True, reading.said(values), values | {"ms": took * 1000})


SSH: dict[str, Any] = {
    "host": HOST, "port": PORT, "user": _KEYS | {"minLength": 1, "title": "账号"}, "password": PASSWORD,
    "private_key": PASSWORD | {"title": "私钥（OpenSSH）", "maxLength": 10000},
    "host_key": _KEYS | {"maxLength": 1000, "title": "对方主机公钥（SSH-ED25519 一行）"},
    "trust_any_host": {"type": "boolean", "title": "不核对主机公钥"},
}  # fmt: skip
register(
    Kind(
        "host", "主机（SSH）", "免安装，经 SSH 读处理器、内存、磁盘、文件数、时钟",
        schema(SSH | {"mounts": {"type": "array", "items": {"type": "string"}, "title": "看哪些挂载点"}}, ["host", "user"]),
        (UP, *reading.SIGNALS), look, reading.LIMITS, layer="host",
    )
)  # fmt: skip
