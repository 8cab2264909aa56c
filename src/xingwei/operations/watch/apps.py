from django.apps import AppConfig


class WatchConfig(AppConfig):
    name = "xingwei.operations.watch"
    label = "watch"
    verbose_name = "监测与定责"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import triage_wiring, wiring  # noqa: F401 - register themselves
