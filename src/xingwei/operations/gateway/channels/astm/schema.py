"""What can be set of a line that speaks ASTM."""

from __future__ import annotations

from typing import Any

from .. import schema as s

LINE: dict[str, Any] = {
    "charset": s.CHARSET,
    "checksum": s.choice("校验和", ["required", "ignore"], "required", "少数仪器不带校验和或算法不同"),
    "numbers": s.choice("帧号", ["strict", "any"], "strict", "any：不检查帧号是否连续"),
    "without_enq": s.yes_no("没有 ENQ 也接收", "少数仪器不先询问就发帧"),
    "limit_mb": s.number("消息长度上限（MB）", 0.01, 64, 4),
    "frame_limit": s.whole("每帧长度上限（字节）", 247, 65_536, 64_000),
    "reply_s": s.number("等待应答（秒）", 0.1, 120, 15),
    "frame_s": s.number("等待下一帧（秒）", 0.1, 300, 30),
    "busy_s": s.number("对方忙时再问（秒）", 0.1, 120, 10),
    "contention_s": s.number("争用后等待（秒）", 0.1, 120, 20),
    "retries": s.whole("每帧重发次数", 0, 20, 6),
    "frame_size": s.whole("送出时每帧长度（字节）", 20, 64_000, 240),
    "frame_by": s.choice("送出时分帧", ["record", "message"], "record", "record：每条记录一帧起；message：按长度切"),
    "role": s.choice("我方角色", ["host", "instrument"], "host", "争用时仪器优先"),
    "repeatable": s.yes_no("对方能识别重发", default=True),
    "host_query": s.HOST_QUERY,
}
SCHEMA = s.settings(
    [],
    host=s.HOST,
    port=s.PORT,
    through=s.text("经由接入通道", "送出时借用仪器在这个接入通道上的连接（双向仪器）；填通道代码", maxLength=40),
    allow=s.ALLOW,
    connections=s.whole("最多连接数", 1, 500, 20),
    connect_s=s.number("连接时限（秒）", 0.1, 60, 5),
    **LINE,
)
SCHEMA["anyOf"] = [{"required": ["port"]}, {"required": ["through"]}]
