"""What can be set of an MLLP channel."""

from __future__ import annotations

from typing import Any

from ..schema import HOST_QUERY

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["port"],
    "properties": {
        "host": {
            "type": "string",
            "title": "地址",
            "description": "接入：在哪个地址上监听，默认 127.0.0.1；送出：对方的地址",
            "default": "127.0.0.1",
            "maxLength": 255,
        },
        "port": {"type": "integer", "title": "端口", "minimum": 0, "maximum": 65535},
        "charset": {
            "type": "string",
            "title": "字符集",
            "description": "报文没有写明（MSH-18）时按它读",
            "enum": ["utf-8", "gb18030", "iso8859-1"],
            "default": "utf-8",
        },
        "limit_mb": {
            "type": "number",
            "title": "报文长度上限（MB）",
            "exclusiveMinimum": 0,
            "maximum": 64,
            "default": 16,
        },
        "connections": {"type": "integer", "title": "最多连接数", "minimum": 1, "maximum": 5000, "default": 200},
        "allow": {
            "type": "array",
            "title": "允许的来源",
            "description": "IP 或网段；空着不限",
            "items": {"type": "string", "maxLength": 64},
            "default": [],
        },
        "frame_s": {
            "type": "number",
            "title": "一条报文最多收多久（秒）",
            "exclusiveMinimum": 0,
            "maximum": 3600,
            "default": 60,
        },
        "after_end": {
            "type": "string",
            "title": "结束符之后还有内容时",
            "enum": ["quarantine", "accept"],
            "default": "quarantine",
        },
        "same_id": {
            "type": "string",
            "title": "控制号相同而内容不同时",
            "enum": ["accept", "quarantine"],
            "default": "accept",
        },
        "connect_s": {
            "type": "number",
            "title": "连接等待（秒）",
            "exclusiveMinimum": 0,
            "maximum": 60,
            "default": 5,
        },
        "repeatable": {
            "type": "boolean",
            "title": "对方能识别重发",
            "description": "按控制号识别；不能识别的，结果不明时先查询或由人确认，不自动重发",
            "default": True,
        },
        "host_query": HOST_QUERY,
        "match": {
            "type": "string",
            "title": "应答里的控制号（MSA-2）",
            "description": "strict：必须相符；lenient：空着也算相符",
            "enum": ["strict", "lenient"],
            "default": "strict",
        },
    },
}
