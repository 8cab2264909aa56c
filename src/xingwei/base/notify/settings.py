"""What an installation may set for notification."""

from xingwei.base.site.registry import Setting, register

register(
    Setting(
        "notify.queue.max", "通知", "待发消息上限", 5000, unit="条", low=100, high=100_000,
        why="超过后，普通消息只在站内通知，不再排队外发；紧急消息照发",
    ),
    Setting(
        "notify.urgent.wait", "通知", "紧急消息等待多久报警", 5, unit="分钟", low=1, high=60,
        why="条款 9.2a：7×24 小时半小时内响应；紧急消息发不出去必须马上看见",
    ),
    Setting(
        "notify.keep.days", "通知", "通知与发送记录保留", 400, unit="天", low=184, high=3650,
        why="发送记录是履约佐证，至少保留六个月；默认覆盖一个合同年",
    ),
    Setting(
        "notify.inbound.max_mb", "通知", "来信大小上限", 20, unit="MB", low=1, high=100,
        why="更大的来信只登记信头，隔离待人工处理",
    ),
)  # fmt: skip
