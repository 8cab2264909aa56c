from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "xingwei.base.notify"
    label = "notify"
    verbose_name = "通知"

    def ready(self) -> None:
        from xingwei.base.ui.registry import registry

        from . import queries, settings  # noqa: F401
        from .views import inbox

        registry.bell.append(queries.unread)
        registry.topbar.append(inbox.watch)
