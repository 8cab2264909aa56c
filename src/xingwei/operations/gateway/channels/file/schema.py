"""What can be set of a folder."""

from __future__ import annotations

from .. import schema as s

SCHEMA = s.settings(
    ["directory"],
    directory=s.text("目录", "网关进程能读写的绝对路径", pattern="^/", maxLength=500),
    pattern=s.text("文件名", "通配符，如 *.csv、result_*.xml", maxLength=100, default="*"),
    marker=s.text(
        "完成标志",
        "对方写完后另建的同名文件的后缀，如 .ok；空：看大小是否不再变化",
        pattern=r"^(\.[A-Za-z0-9]+)?$",
        maxLength=20,
    ),
    stable_s=s.number("大小多久不变算写完（秒）", 0, 3600, 3),
    poll_s=s.number("多久看一次（秒）", 0.1, 3600, 2),
    charset=s.CHARSET,
    limit_mb=s.SIZE,
    done=s.text("处理后移到", "相对目录；按日期分文件夹", pattern=r"^[A-Za-z0-9_.-]+$", maxLength=100, default="done"),
    failed=s.text("不能处理的移到", "相对目录", pattern=r"^[A-Za-z0-9_.-]+$", maxLength=100, default="failed"),
    type=s.text("消息类型", maxLength=40),
    name=s.text(
        "送出的文件名",
        "可用 {number}、{control_id}、{type}、{key}；同一条消息每次都是同一个名字",
        maxLength=200,
        default="{number}.txt",
    ),
    existing=s.choice("已有同名文件", ["replace", "refuse"], "replace"),
    repeatable=s.yes_no("对方能识别重发", "按文件名去重", default=True),
)
