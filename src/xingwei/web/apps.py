from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "xingwei.web"
    label = "web"
    verbose_name = "杏维"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, registry
        from xingwei.base.ui.views import SIGNED_IN

        from . import sign_in_page
        from .upkeep import options  # noqa: F401 - registers the settings

        sign_in_page.register()
        registry.nav.append(NavItem("", 0, "工作台", "layout-dashboard", "home", SIGNED_IN))
        registry.nav.append(NavItem("基础", 95, "运行与备份", "server-2", "processes", "web.upkeep:view"))
