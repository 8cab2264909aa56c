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


HOST_QUERY = {
    "type": "object",
    "title": "答复仪器的查询",
    "description": "仪器按条码问要做什么项目（ASTM Q 记录、HL7 QBP^Q11、QRY）：先问 source，再找 orders 里存下的医嘱",
    "additionalProperties": False,
    "properties": {
        "source": text("向谁查（送出通道代码，写有查询）", "答列 tests、patient、name、birth、sex、specimen、urgent", maxLength=40),
        "orders": {"type": "array", "title": "医嘱在哪些接入通道", "items": {"type": "string", "maxLength": 40}, "maxItems": 20},
        "hours": whole("往前找几小时的医嘱", 1, 720, 72),
        "tests": text("项目对照（编码对照代码）", "院内项目 → 仪器项目，一个对多个用逗号；对照为空的不下", maxLength=40),
        "budget_s": number("答复时限（秒）", 0.1, 12, 3),
        "display": {
            "type": "object",
            "title": "DSP 行号 → 内容",
            "description": "各厂不同；内容：patient、name、birth、sex、barcode、urgent、specimen、tests",
            "additionalProperties": {"type": "string", "maxLength": 40},
            "propertyNames": {"pattern": "^[0-9]{1,3}$"},
            "maxProperties": 40,
        },
    },
}  # fmt: skip


def settings(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }
