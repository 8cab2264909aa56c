"""What an installation may set for the watch."""

from xingwei.base.site.registry import Setting, register

GROUP = "监测"

register(
    Setting("watch.case.down_s", GROUP, "不通多久登记问题", 30, unit="秒", low=0, high=3600,
            why="条款 7.10：给起因先露面的时间，受牵连的不另登记"),
    Setting("watch.case.warn_s", GROUP, "超过界限多久登记问题", 120, unit="秒", low=0, high=7200, why="条款 7.10"),
    Setting("watch.case.odd_s", GROUP, "偏离平常多久登记问题", 180, unit="秒", low=0, high=7200,
            why="条款 9.3：比同一时段平常明显变差，抢在来电之前"),
    Setting("watch.case.over_s", GROUP, "恢复多久算结束", 180, unit="秒", low=30, high=7200,
            why="反复抖动只登记一件问题"),
    Setting("watch.blind_s", GROUP, "监测中断多久登记问题", 60, unit="秒", low=20, high=3600,
            why="没有监测的时段如实显示，不算正常也不算故障"),
)  # fmt: skip
