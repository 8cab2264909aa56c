"""What can be set of an insurance channel: how the HIS calls in, and what the province wants."""

from __future__ import annotations

from .. import schema as s
from ..http.schema import LISTENER, PATH, TLS

SCHEMA = s.settings(
    [],
    host=s.HOST,
    port=s.PORT,
    path=PATH,
    allow=s.ALLOW,
    limit_mb=s.SIZE,
    body_s=LISTENER["body_s"],
    tls=TLS,
    url=s.text("平台地址", "如 https://10.1.1.1:8080，不含服务路径", pattern="^https?://", maxLength=300),
    style=s.choice("地址方式", ["single", "paths"], "single", "single：一个入口；paths：每个交易一个路径"),
    single_path=s.text("入口路径", pattern="^/", maxLength=200, default="/fsi/api/rsfComIfsService/callService"),
    paths={
        "type": "object",
        "title": "与国家规范不同的路径",
        "additionalProperties": {"type": "string", "pattern": "^/", "maxLength": 200},
    },
    headers=s.choice("请求头签名", ["none", "hmac_sha1", "sm3"], "none"),
    body=s.choice("报文签名", ["none", "sm2", "sm3"], "none", "none：HIS 已签名，原样转发"),
    access_key=s.text("访问账号（AK）", maxLength=200),
    secret=s.secret("访问密钥（SK）"),
    sm2_key=s.secret("SM2 私钥（PEM）"),
    input_as=s.choice("input 的写法", ["object", "string"], "object"),
    enquiry_without_setl_id=s.yes_no("5203 可不填结算 ID", "决定超时的结算能不能自动查询", default=True),
    grace_s=s.number("超时后多久查不到才算没有办成（秒）", 0, 3600, 60),
    ca=s.text("信任的根证书文件（PEM）"),
    insecure=s.yes_no("不校验对方证书"),
    connect_s=s.number("连接时限（秒）", 0.1, 60, 3),
    reply_mb=s.number("应答长度上限（MB）", 0.01, 64, 64),
)
SCHEMA["anyOf"] = [{"required": ["port"]}, {"required": ["url"]}]
