from django.apps import AppConfig


class PerformanceConfig(AppConfig):
    name = "xingwei.operations.performance"
    label = "performance"
    verbose_name = "性能"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, Served, registry
        from xingwei.service.contract import evidence as contract

        from . import evidence

        contract.register("measurement", evidence.readings)
        registry.nav.append(NavItem("运行", 45, "性能", "gauge", "performance:home", "performance.statement:view"))
        registry.served_by += [
            Served(
                "9.3",
                "最费时的语句与功能、变化、原因、在副本上试过的建议与效果",
                "performance:home",
                "xingwei performance read",
            ),
        ]
