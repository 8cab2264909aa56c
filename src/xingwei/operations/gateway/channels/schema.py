"""Parts of settings schemas that several kinds share; the configuration form is drawn from them."""

from __future__ import annotations

from typing import Any


def text(title: str, description: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "string", "title": title, **({"description": description} if description else {}), **more}


def whole(title: str, low: int, high: int, default: int, description: str = "") -> dict[str, Any]:
    found = {"type": "integer", "title": title, "minimum": low, "maximum": high, "default": default}
    return {**found, "description": description} if description else found


def number(title: str, low: float, high: float, default: float, description: str = "") -> dict[str, Any]:
    found = {"type": "number", "title": title, "minimum": low, "maximum": high, "default": default}
    return {**found, "description": description} if description else found


def yes_no(title: str, description: str = "", *, default: bool = False) -> dict[str, Any]:
    return {
        "type": "boolean",
        "title": title,
        "default": default,
        **({"description": description} if description else {}),
    }


def choice(title: str, values: list[str], default: str, description: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"enum": values, "title": title, "default": default}
    return {**found, "description": description} if description else found


def secret(title: str) -> dict[str, Any]:
    return text(
        title, "明文保存时自动加密；也可写 env:变量名、file:路径 或 file:路径#字段", maxLength=20_000, format="password"
    )


HOST = text("地址", "接入：监听哪个地址；送出：对方的地址", maxLength=255, default="127.0.0.1")
PORT = {"type": "integer", "title": "端口", "minimum": 0, "maximum": 65535}
CHARSET = choice("字符集", ["utf-8", "gb18030", "gbk", "big5", "latin-1"], "utf-8", "报文没有写明时按它读写")
ALLOW = {
    "type": "array",
    "title": "允许的来源",
    "description": "IP 或网段，如 10.1.2.0/24；空：不限",
    "items": {"type": "string", "maxLength": 50},
    "maxItems": 200,
}
CONNECTIONS = whole("最多连接数", 1, 5000, 200)
SIZE = number("消息长度上限（MB）", 0.01, 64, 16)


LOOKUP = {
    "lookup_s": number("查询时限（秒）", 0.05, 30, 2, "规则 lookup 每问一次最多等这么久"),
    "lookup_cache_s": number(
        "查到的结果留用多久（秒）", 0, 86_400, 300, "同样的问题在这段时间内不再问；随消息存下的结果不过期"
    ),
}


def settings(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }
