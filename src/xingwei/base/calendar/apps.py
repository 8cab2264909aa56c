from django.apps import AppConfig


class CalendarConfig(AppConfig):
    name = "xingwei.base.calendar"
    label = "calendar"
    verbose_name = "工作日历"

    def ready(self) -> None:
        from xingwei.base.policy.engine import Actor
        from xingwei.base.policy.registry import may
        from xingwei.base.ui.registry import Banner, NavItem, Served, registry

        from . import queries

        def warn(actor: Actor) -> Banner | None:
            if not may(actor, "calendar.version:notice") or (found := queries.warning()) is None:
                return None
            year, text = found
            from django.urls import reverse

            if may(actor, "calendar.version:publish"):
                return Banner("warn", text, reverse("calendar:edit", args=[year]), "去更新")
            return Banner("warn", text, reverse("calendar:year", args=[year]), "看日历")

        registry.nav.append(NavItem("基础", 60, "工作日历", "calendar", "calendar:current", "calendar.version:view"))
        registry.banners.append(warn)
        registry.served_by.append(
            Served("9.2b", "到场时限按工作日历（调休在内）计算", "calendar:current", "xingwei calendar show")
        )
