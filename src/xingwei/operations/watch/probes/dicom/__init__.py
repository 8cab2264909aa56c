"""DICOM C-ECHO."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from ..base import HOST, MS, PORT, UP, Kind, Looked, Task, register, schema

logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # it tells of every association; what fails is a look's

_TITLE: dict[str, Any] = {"type": "string", "pattern": "^[\\x20-\\x7e]{1,16}$", "title": "AE 名称"}


async def look(task: Task) -> Looked:
    return await asyncio.to_thread(_echo, dict(task.settings), task.timeout_s)


def _echo(settings: dict[str, Any], timeout_s: float) -> Looked:
    from pynetdicom import AE

    ae = AE(ae_title=settings.get("own", "XINGWEI"))
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = timeout_s
    ae.add_requested_context("1.2.840.10008.1.1")
    began = time.perf_counter()
    link = ae.associate(settings["host"], settings["port"], ae_title=settings.get("called", "ANY-SCP"))
    if not link.is_established:
        refused = link.is_rejected
        return Looked(
            False,
            "对方拒绝建立关联（AE 名称或来源未登记）" if refused else f"{settings['host']}:{settings['port']} 连不上",
        )
    try:
        answer = link.send_c_echo()
    finally:
        link.release()
    ms = (time.perf_counter() - began) * 1000
    status = getattr(answer, "Status", None)
    if status != 0:
        return Looked(False, "C-ECHO 没有应答" if status is None else f"C-ECHO 状态 0x{status:04X}", {"ms": ms})
    return Looked(True, f"C-ECHO 正常，{ms:.0f} 毫秒", {"ms": ms})


register(
    Kind("dicom", "DICOM 应答", "C-ECHO", schema({"host": HOST, "port": PORT, "called": _TITLE, "own": _TITLE}, ["host", "port"]),
         (UP, MS), look, layer="interface")
)  # fmt: skip
