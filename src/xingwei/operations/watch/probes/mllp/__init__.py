"""An HL7 message that changes nothing, in MLLP's frame; the answer must be an acknowledgement of this very message."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import datetime
from typing import Any

from ..base import HOST, MS, PORT, UP, Kind, Looked, Task, register, schema, why

_serial = itertools.count(int(time.time()) % 1_000_000)
# NMQ^N01 asks the application how it is (HL7 2.4, 14.3.2); processing id T: a test, to be stored nowhere
DEFAULT = "MSH|^~\\&|XINGWEI|PROBE|{receiver}||{time}||NMQ^N01|{id}|T|2.4\rQRD|{time}|R|I|{id}|||1^RD|ALL|OTH||\r"
LARGEST = 262_144


def filled(text: str, task: Task, control_id: str) -> str:
    now = f"{datetime.now().astimezone():%Y%m%d%H%M%S}"
    receiver = str(task.settings.get("receiver") or "")
    out = text.replace("{id}", control_id).replace("{time}", now).replace("{receiver}", receiver)
    return out.replace("\r\n", "\r").replace("\n", "\r")


def acknowledged(answer: str, control_id: str) -> tuple[str, str, str]:
    """(MSA-1, MSA-2, MSA-3) of an acknowledgement; empty where there is none."""
    for segment in answer.replace("\n", "\r").split("\r"):
        if segment.startswith("MSA"):
            fields = [*segment.split(segment[3:4] or "|"), "", "", ""]
            return fields[1].strip(), fields[2].strip(), fields[3].strip()
    return "", "", ""


async def send(task: Task, text: str, control_id: str) -> tuple[Looked, str]:
    """The result, and the answer's text."""
    settings, charset = task.settings, task.settings.get("charset", "utf-8")
    began = time.perf_counter()
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(task.timeout_s):
            reader, writer = await asyncio.open_connection(settings["host"], settings["port"], limit=LARGEST)
            writer.write(b"\x0b" + filled(text, task, control_id).encode(charset, "replace") + b"\x1c\r")
            await writer.drain()
            raw = await reader.readuntil(b"\x1c")
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return Looked(False, f"{settings['host']}:{settings['port']} {why(error)}"), ""
    finally:
        if writer is not None:
            writer.close()
    ms = (time.perf_counter() - began) * 1000
    answer = raw.lstrip(b"\x0b").rstrip(b"\x1c").decode(charset, "replace")
    code, of, said = acknowledged(answer, control_id)
    values: dict[str, float] = {"ms": ms}
    if not code:
        return Looked(False, "应答不是 HL7 确认（没有 MSA 段）", values), answer
    if of != control_id:
        return Looked(False, "应答的不是这条消息（MSA-2 不符）", values), answer
    wanted = settings.get("accept") or ["AA", "CA", "AE", "AR", "CE", "CR"]
    if code not in wanted:
        return Looked(False, f"应答 {code}{'：' + said[:80] if said else ''}", values), answer
    return Looked(True, f"应答 {code}，{ms:.0f} 毫秒", values), answer


async def look(task: Task) -> Looked:
    control_id = f"XW{int(time.time()) % 10**8:08d}{next(_serial) % 10**6:06d}"
    return (await send(task, task.settings.get("message") or DEFAULT, control_id))[0]


SETTINGS: dict[str, Any] = {
    "host": HOST, "port": PORT, "receiver": {"type": "string", "maxLength": 60, "title": "对方名称（MSH-5）"},
    "charset": {"enum": ["utf-8", "gb18030"], "title": "字符集"},
    "message": {"type": "string", "pattern": "^MSH", "maxLength": 20000, "title": "消息，其中的编号与时间占位会换掉"},
    "accept": {"type": "array", "items": {"enum": ["AA", "CA", "AE", "AR", "CE", "CR"]}, "minItems": 1, "title": "算通的应答"},
}  # fmt: skip
register(
    Kind("mllp", "HL7 应答", "发一条不改动任何数据的 HL7 查询，要收到对这一条的确认", schema(SETTINGS, ["host", "port"]),
         (UP, MS), look, layer="interface")
)  # fmt: skip
