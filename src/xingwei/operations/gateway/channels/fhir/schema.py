"""What can be set of a FHIR channel."""

from __future__ import annotations

from .. import schema as s
from ..http.schema import CLIENT, LISTENER

_LISTENER = {
    name: LISTENER[name] for name in ("host", "port", "path", "mode", "allow", "token", "limit_mb", "body_s", "tls")
}
_CLIENT = {name: CLIENT[name] for name in ("headers", "user", "password", "ca", "insecure", "connect_s", "reply_mb")}
SCHEMA = s.settings(
    [],
    **_LISTENER,
    resources={
        "type": "array",
        "title": "接收哪些资源",
        "description": "空：不限",
        "items": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
        "maxItems": 150,
    },
    url=s.text("服务根地址", "如 https://10.1.1.1/fhir", pattern="^https?://", maxLength=500),
    update=s.yes_no("有 id 时用 PUT", "重复发送结果相同；否则用 POST 新建", default=True),
    **_CLIENT,
)
SCHEMA["anyOf"] = [{"required": ["port"]}, {"required": ["url"]}]
