"""What breakers, plans, volumes, alerts, the catalogue and critical values hand down to lower rooms."""

from __future__ import annotations

from xingwei.base.notify.kinds import Kind, Topic, register
from xingwei.base.ui.registry import HomeCard, NavItem, Panel, Served, registry

from . import alert_board, settings  # noqa: F401 - declares the settings

GROUP = "接口"

register(
    Kind("gateway.breaker", "接口切断与恢复", GROUP, "人工切断、恢复，告诉方案里的人（条款 1.7c）"),
    Kind("gateway.plan", "熔断方案", GROUP, "待批准、生效、退回"),
    Kind("gateway.drill", "熔断演练", GROUP, "安排的演练"),
    Kind("gateway.critical", "危急值", GROUP, "待接收与超时（条款 7.3）"),
    Kind("gateway.service", "服务与订阅", GROUP, "申请、批准、改动、停用（条款 7.5）"),
    Topic("gateway.breaker", "接口切断与恢复"),
)

registry.served_by += [
    Served("1.7c", "熔断：人工切断、恢复、方案与演练", "gateway:breakers"),
    Served("7.1b", "消息等在哪里：按通道与环节的流量、用时、队列", "gateway:volumes"),
    Served("7.3", "危急值闭环：报告、护士接收、医生处理与时限", "gateway:critical"),
    Served("1.7b", "接口告警：故障登记一件问题，跟到恢复", "gateway:alerts"),
    Served("7.5", "服务发布、订阅的申请与批准", "gateway:services"),
    Served("7.2", "集成清单：接口、通道、服务，可导出", "gateway:integrations"),
    Served("7.2", "消息量、增长与空间、硬件的预测；保留与归档", "gateway:capacity", "xingwei gateway archive"),
]

registry.nav.append(
    NavItem(
        "运行", 12, "危急值", "heartbeat", "gateway:critical", "gateway.critical:view", count=alert_board.open_values
    )
)
registry.banners.append(alert_board.banner)
registry.home_cards.append(
    HomeCard(25, "gateway.alert:view", "gateway/parts/alert_card.html", alert_board.card, wide=True)
)
registry.panels.append(
    Panel("case-side", 15, "gateway.alert:view", "gateway/parts/alert_panel.html", alert_board.panel)
)
