"""What can be set of a serial port."""

from __future__ import annotations

from typing import Any

from .. import schema as s
from ..astm.schema import LINE

DEVICE: dict[str, Any] = {
    "device": s.text("串口", "如 /dev/ttyUSB0、COM3，或串口服务器的 socket://10.1.1.1:4001", maxLength=200),
    "baud": {
        "enum": [300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 38400, 57600, 115200],
        "title": "波特率",
        "default": 9600,
    },
    "bits": {"enum": [7, 8], "title": "数据位", "default": 8},
    "parity": s.choice("校验位", ["N", "E", "O"], "N"),
    "stop": {"enum": [1, 2], "title": "停止位", "default": 1},
    "flow": s.choice("流控", ["none", "xonxoff", "rtscts"], "none"),
    "reopen_s": s.number("断开后重开（秒）", 0.1, 300, 5),
}
SCHEMA = s.settings(["device"], **DEVICE, **LINE)
TEXT_SCHEMA = s.settings(
    ["device"],
    **DEVICE,
    charset=s.CHARSET,
    start=s.text("开始符", "十六进制，如 02；空：没有", pattern="^([0-9A-Fa-f]{2}){0,4}$", default=""),
    end=s.text("结束符", "十六进制，如 03 或 0D0A；空：按间隔断", pattern="^([0-9A-Fa-f]{2}){0,4}$", default=""),
    gap_s=s.number("间隔多久算一条（秒）", 0.05, 60, 1),
    reply=s.text("收下后回什么", "十六进制，如 06；空：不回", pattern="^([0-9A-Fa-f]{2}){0,4}$", default=""),
    limit_mb=s.number("消息长度上限（MB）", 0.01, 64, 1),
    type=s.text("消息类型", maxLength=40),
)
