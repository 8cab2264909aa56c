"""What may befall a call on its way to the centre and back: the faults of the line and of the service itself.

Before the business: line cut, hanging, slow, 5xx, the gateway's refusals, announced maintenance.
After it was committed: answer lost, late, garbage, cut short. Each is a fault of the board whose target is an infno.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from typing import Any

from aiohttp import web

from simhospital.faults.board import Board

from .refused import BAD_SIGNATURE, NO_HEADERS, UNKNOWN_USER
from .service import CHINA, Reply

GATEWAY = (("yb-signature", BAD_SIGNATURE), ("yb-unknown-user", UNKNOWN_USER), ("yb-no-headers", NO_HEADERS))
GARBAGE = b'\x00\x1f\x8b\xff<html><body>\xce\xde\xb7\xa8\xcf\xd4\xca\xbe</bo{"infcode":'


class LineCut(Exception):
    """The connection is to be torn without an answer."""


async def _hold(board: Board, fault: dict[str, Any]) -> None:
    """Hang as long as the fault says, but never beyond its end or its being stopped."""
    until = min(float(fault["until"]), time.time() + float(fault.get("seconds", 3600)))
    while time.time() < until and board.find(str(fault["id"])):
        await asyncio.sleep(0.1)


async def before(board: Board, infno: str, msgid: str, size: int) -> web.Response | None:
    """Carry out what strikes before the business; an answer here means that the business is not reached."""
    large = board.active("yb-large-lost")
    if large and size > int(large.get("bytes", 1400)):
        board.did(large, infno=infno, msgid=msgid, size=size, committed=False)
        await _hold(board, large)
        raise LineCut
    if fault := board.strikes("yb-line-reset", infno):
        board.did(fault, infno=infno, msgid=msgid)
        raise LineCut
    for name in ("yb-timeout-before-commit", "yb-half-open"):
        if fault := board.strikes(name, infno):
            board.did(fault, infno=infno, msgid=msgid, committed=False)
            await _hold(board, fault)
            raise LineCut
    if fault := board.strikes("yb-slow", infno):
        await asyncio.sleep(max(0.0, min(float(fault["until"]) - time.time(), float(fault.get("seconds", 20)))))
    if fault := board.strikes("yb-5xx", infno):
        board.did(fault, infno=infno, msgid=msgid)
        status = int(fault.get("status", 502))
        page = (
            f"<html><head><title>{status} Bad Gateway</title></head><body><h1>{status} Bad Gateway</h1></body></html>"
        )
        return web.Response(status=status, text=page, content_type="text/html")
    for name, message in GATEWAY:
        if board.strikes(name, infno):
            return web.json_response({"code": 401, "message": message}, status=401)
    if fault := board.strikes("yb-maintenance", infno):
        text = str(fault.get("text", "MBS-系统升级维护中，暂停办理医保结算业务，请按公告时间办理"))
        now = f"{datetime.now(CHINA):%Y%m%d%H%M%S%f}"[:17]
        told = {"infcode": -1, "err_msg": text, "output": None, "inf_refmsgid": None}
        return web.json_response(told | {"refmsg_time": now, "respond_time": now})
    return None


async def after(board: Board, infno: str, msgid: str, reply: Reply) -> Reply:
    """Carry out what strikes after the commit: the business is done whatever becomes of its answer."""
    for name in ("yb-timeout-after-commit", "yb-answer-lost"):
        fault = board.strikes(name, infno) if reply.committed else None
        if fault:
            board.did(fault, infno=infno, msgid=msgid, committed=True, setl_id=_setl_id(reply))
            if name == "yb-timeout-after-commit":
                await _hold(board, fault)
            raise LineCut
    if fault := board.strikes("yb-garbage", infno):
        board.did(fault, infno=infno, msgid=msgid, committed=reply.committed)
        return Reply(200, GARBAGE, reply.content_type)
    if fault := board.strikes("yb-shape", infno):
        document = {**(reply.document or {}), "infcode": str((reply.document or {}).get("infcode", 0))}
        document["output"] = json.dumps(document.get("output"), ensure_ascii=False, default=str)
        return Reply(200, json.dumps(document, ensure_ascii=False).encode(), reply.content_type)
    return reply


def _setl_id(reply: Reply) -> str | None:
    output = (reply.document or {}).get("output")
    info = output.get("setlinfo") if isinstance(output, dict) else None
    return info.get("setl_id") if isinstance(info, dict) else None
