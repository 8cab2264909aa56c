"""What an installation may set for the gateway."""

from xingwei.base.site.registry import Setting, register

GROUP = "接口网关"

register(
    Setting(
        "gateway.capacity.per_second", GROUP, "一个网关进程测得的能力", 3000, unit="条/秒", low=1, high=1_000_000,
        why="条款 7.2：容量预测用；以性能测试在本机测得的为准",
    ),
    Setting(
        "gateway.retention.days", GROUP, "报文在库保留", 184, unit="天", low=7, high=3650,
        why="网络安全法：日志不少于六个月；过后转入归档文件，不删除",
    ),
    Setting(
        "gateway.retention.max_gb", GROUP, "报文在库上限", 200, unit="GB", low=1, high=100_000,
        why="超过时从最旧的一天起提前归档清出，最近 7 天总留在库里",
    ),
    Setting(
        "gateway.retention.error_days", GROUP, "异常报文在库至少保留", 365, unit="天", low=7, high=3650,
        why="条款 8.1b：隔离、死信、结果不明的报文便于追查，不随当天清出",
    ),
    Setting(
        "gateway.metrics.token", GROUP, "监控抓取口令", "", kind="text",
        why="留空时只有本机可取监控数据（/metrics）；填了之后抓取时须带这个口令",
    ),
    Setting("gateway.alert.down_minutes", GROUP, "通道不通多久告警", 2, unit="分", low=1, high=120, why="条款 7.10"),
    Setting("gateway.alert.queue_minutes", GROUP, "队列最久多久告警", 10, unit="分", low=1, high=1440, why="条款 7.10"),
    Setting("gateway.alert.dead", GROUP, "死信几条告警", 1, unit="条", low=1, high=100_000, why="条款 7.10：死信等人处理"),
    Setting(
        "gateway.alert.quarantine_percent", GROUP, "隔离占比多少告警", 5, unit="%", low=1, high=100,
        why="条款 8.1a：十分钟内至少 20 条",
    ),
    Setting("gateway.alert.disk_days", GROUP, "磁盘几天内会满告警", 30, unit="天", low=1, high=180, why="条款 7.2"),
    Setting(
        "gateway.critical.channels", GROUP, "从哪些接入通道读危急值", "lis-report", kind="text",
        why="条款 7.3：通道代码，逗号分开；应是审核后的检验报告，不是仪器原始结果",
    ),
    Setting(
        "gateway.critical.nurse_minutes", GROUP, "危急值护士接收时限", 10, unit="分", low=1, high=240,
        why="条款 7.3；以医院危急值制度为准",
    ),
    Setting(
        "gateway.critical.doctor_minutes", GROUP, "危急值医生处理时限", 30, unit="分", low=1, high=480,
        why="条款 7.3；自报告起算，以医院危急值制度为准",
    ),
)  # fmt: skip
