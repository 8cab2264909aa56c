"""What can be set of a DICOM channel."""

from __future__ import annotations

from typing import Any

from .. import schema as s

_TITLE: dict[str, Any] = {"pattern": r"^[ -\[\]-~]{1,16}$", "maxLength": 16}
SCHEMA = s.settings(
    ["port"],
    host=s.HOST,
    port=s.PORT,
    title=s.text("我方 AE 标题", **_TITLE, default="XINGWEI"),
    peer=s.text("对方 AE 标题", "送出时", **_TITLE, default="PACS"),
    peers={
        "type": "array",
        "title": "允许的对方 AE 标题",
        "description": "空：不限",
        "items": {"type": "string", **_TITLE},
        "maxItems": 200,
    },
    allow=s.ALLOW,
    connections=s.whole("最多同时关联数", 1, 200, 20),
    limit_mb=s.number("影像大小上限（MB）", 0.1, 64, 64),
    connect_s=s.number("连接时限（秒）", 0.5, 60, 5),
    network_s=s.number("网络空闲时限（秒）", 1, 600, 60),
    store_s=s.number("入库时限（秒）", 1, 120, 30),
    worklist=s.yes_no("应答工作列表查询", "查询交给路由的送出通道，由它返回 JSON 列表"),
)
