from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "xingwei.service.desk"
    label = "desk"
    verbose_name = "服务台"

    def ready(self) -> None:
        from . import inbound, pages, settings, subscribers, wiring  # noqa: F401 - each registers itself
