from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "xingwei.base.site"
    label = "site"
    verbose_name = "系统设置"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, registry

        registry.nav.append(NavItem("基础", 90, "设置", "settings", "site:settings", "site.system_setting:view"))
