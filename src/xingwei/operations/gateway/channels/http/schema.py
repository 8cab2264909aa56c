"""What can be set of an HTTP channel."""

from __future__ import annotations

from typing import Any

from .. import schema as s

PATH = s.text(
    "路径",
    "以 / 开头，以 / 结尾时包括下级；同一端口上各通道的路径不同",
    pattern=r"^/[A-Za-z0-9/_.-]*$",
    maxLength=200,
    default="/",
)
TLS = {
    "type": "object",
    "title": "TLS",
    "additionalProperties": False,
    "properties": {"certificate": s.text("证书文件（PEM）"), "key": s.text("私钥文件（PEM）")},
}
_FIELD = {"type": "string", "maxLength": 200}
EXTRACT = {
    "type": "object",
    "title": "从报文里取什么",
    "description": "JSON 路径，如 head.msgid、data[0].patientId",
    "additionalProperties": False,
    "properties": {
        "control_id": {**_FIELD, "title": "控制号（同号视为重发）"},
        "type": {**_FIELD, "title": "消息类型"},
        "key": {**_FIELD, "title": "顺序键"},
        "patient": {**_FIELD, "title": "患者号"},
        "reference": {**_FIELD, "title": "业务号"},
        "event_at": {**_FIELD, "title": "业务时间"},
    },
}
_MATCH = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path", "in"],
    "properties": {
        "path": s.text("字段", "JSON 路径", maxLength=200),
        "in": {"type": "array", "title": "取值", "items": {"type": "string"}, "minItems": 1, "maxItems": 100},
    },
}
LISTENER: dict[str, Any] = {
    "host": s.HOST,
    "port": s.PORT,
    "path": PATH,
    "mode": s.choice("方式", ["accept", "call"], "accept", "accept：收下即应答；call：等对方应答后转回"),
    "allow": s.ALLOW,
    "token": s.secret("访问口令（请求头 Authorization: Bearer …）"),
    "charset": s.CHARSET,
    "limit_mb": s.SIZE,
    "body_s": s.number("收完一个请求的时限（秒）", 1, 600, 30),
    "extract": EXTRACT,
    "type": s.text("消息类型", "报文里取不到时用", maxLength=40),
    "receipt": s.text("收下后的应答", '一段 JSON；{number} 换成消息号。空：{"code":0,"message":"ok"}', maxLength=2000),
    "tls": TLS,
}
CLIENT: dict[str, Any] = {
    "url": s.text("地址", "http:// 或 https:// 开头", pattern="^https?://", maxLength=500),
    "method": s.choice("方法", ["POST", "PUT", "GET", "PATCH"], "POST"),
    "headers": {
        "type": "object",
        "title": "请求头",
        "additionalProperties": {"type": "string", "maxLength": 1000},
        "maxProperties": 30,
    },
    "content_type": s.text("内容类型", maxLength=100, default="application/json; charset=utf-8"),
    "user": s.text("用户名（Basic）", maxLength=100),
    "password": s.secret("口令（Basic）"),
    "token": s.secret("访问口令（Bearer）"),
    "repeatable": s.yes_no("对方能识别重发", "同一控制号（请求头 X-Message-Id）只办一次"),
    "success": {**_MATCH, "title": "成功的标志", "description": "不写：HTTP 2xx 即成功"},
    "refusal": {**_MATCH, "title": "业务拒绝的标志", "description": "对方正常工作，只是不同意：不重试，不计入熔断"},
    "message": s.text("错误信息在哪个字段", "JSON 路径", maxLength=200),
    "lookup": s.text(
        "查询参数名",
        "供路由规则 lookup 用：GET 地址?参数名=值，取应答 JSON 里的字段；404 是查不到",
        maxLength=60,
        pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$",
    ),
    **s.LOOKUP,
    "ca": s.text("信任的根证书文件（PEM）"),
    "insecure": s.yes_no("不校验对方证书", "只在对方证书无法更换时用"),
    "connect_s": s.number("连接时限（秒）", 0.1, 60, 3),
    "reply_mb": s.number("应答长度上限（MB）", 0.01, 64, 16),
}
SCHEMA = s.settings([], **{**LISTENER, **CLIENT})
SCHEMA["anyOf"] = [{"required": ["port"]}, {"required": ["url"]}]
