from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "xingwei.operations.gateway"
    label = "gateway"
    verbose_name = "接口网关"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, Panel, Served, registry

        from . import finding, panels, wiring  # noqa: F401 - wiring registers itself

        registry.nav.append(
            NavItem(
                "运行",
                10,
                "接口网关",
                "plug-connected",
                "gateway:topology",
                "gateway.channel:view",
                count=panels.trouble,
            )
        )
        registry.search.append(finding.hits)
        registry.panels.append(
            Panel("interface-side", 20, "gateway.channel:view", "gateway/parts/interface.html", panels.interface)
        )
        registry.served_by += [
            Served("7.1b", "各通道的流量、队列与等待，消息在哪里等", "gateway:topology"),
            Served("7.10", "消息队列、死信与重放", "gateway:queue"),
            Served("8.1a", "设备接口的通道、路由与编码对照", "gateway:channels", "xingwei gateway import"),
            Served("8.1b", "设备原始数据与加工后数据逐字段对照", "gateway:messages"),
            Served("8.2", "医保接口的消息与结果不明的裁定", "gateway:queue"),
            Served("8.3", "政策性接口的通道与消息", "gateway:channels"),
        ]
