"""What the watch hands down to lower rooms: navigation, banner, home card, panels, clauses."""

from __future__ import annotations

from xingwei.base.ui.registry import HomeCard, NavItem, Panel, Served, registry

from . import boards, settings  # noqa: F401 - declares the settings

registry.nav.append(
    NavItem("运行", 5, "运行状态", "heart-rate-monitor", "watch:status", "watch.status:view", count=boards.trouble)
)
registry.banners.append(boards.banner)
registry.home_cards.append(HomeCard(30, "watch.status:view", "watch/parts/home_card.html", boards.card))
registry.panels += [
    Panel("case-side", 12, "watch.trouble:view", "watch/parts/case_panel.html", boards.of_case),
    Panel("component-side", 15, "watch.probe:view", "watch/parts/node_panel.html", boards.of_node),
    Panel("interface-side", 15, "watch.probe:view", "watch/parts/node_panel.html", boards.of_node),
    Panel("function-side", 15, "watch.probe:view", "watch/parts/node_panel.html", boards.of_node),
]
registry.served_by += [
    Served("7.1b", "哪些业务正常、自何时起不正常、正在处理什么", "watch:status"),
    Served("8.1a", "设备、接口、主机、数据库的拨测与界限", "watch:probes", "xingwei watch import"),
    Served("7.10", "监测发现的故障：一处一件，受牵连的归到起因", "watch:troubles"),
    Served("6.1a", "备份等任务的心跳：没有按时来的登记问题", "watch:jobs"),
    Served("9.3", "同一时段平常值、缓慢变差，抢在来电之前", "watch:probes"),
    Served("3.10", "维护窗口事先登记，期间不计可用率", "watch:windows"),
]
