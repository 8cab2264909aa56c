from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "xingwei.base.connections"
    label = "connections"
    verbose_name = "业务库连接"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, Served, registry

        registry.nav.append(
            NavItem(
                "数据", 90, "业务库连接", "database-import", "connections:connections", "connections.connection:view"
            )
        )
        registry.served_by += [
            Served("1.8a", "业务库只读连接，语句先展示后执行", "connections:connections", "xingwei connections prove"),
        ]
