"""What can be set of a SOAP channel."""

from __future__ import annotations

from .. import schema as s
from ..http.schema import CLIENT, LISTENER

_LISTENER = {
    name: LISTENER[name]
    for name in ("host", "port", "path", "mode", "allow", "token", "charset", "limit_mb", "body_s", "tls")
}
_CLIENT = {
    name: CLIENT[name]
    for name in ("url", "headers", "user", "password", "repeatable", "ca", "insecure", "connect_s", "reply_mb")
}
SCHEMA = s.settings(
    [],
    **_LISTENER,
    extract={**LISTENER["extract"], "description": "XML 路径，从 Envelope 起，如 Envelope/Body/SendOrder/orderNo"},
    receipt=s.text("收下后的返回值", "放在 <return> 里的文字", maxLength=2000, default="0"),
    **_CLIENT,
    version=s.choice("SOAP 版本", ["1.1", "1.2"], "1.1"),
    action=s.text("SOAPAction 请求头", maxLength=300),
    operation=s.text(
        "方法名",
        "写了就把报文当作一个文字参数包进信封；不写：报文本身是信封",
        pattern=r"^[A-Za-z_][\w.-]*$",
        maxLength=100,
    ),
    namespace=s.text("方法的命名空间", maxLength=300),
    parameter=s.text("参数名", pattern=r"^[A-Za-z_][\w.-]*$", maxLength=100, default="arg0"),
    success=s.text("返回值里表示成功的文字", "如 <Result>0</Result>；不写：没有 Fault 即成功", maxLength=200),
)
SCHEMA["anyOf"] = [{"required": ["port"]}, {"required": ["url"]}]
