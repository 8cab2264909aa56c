from django.apps import AppConfig


class RotaConfig(AppConfig):
    name = "xingwei.service.rota"
    label = "rota"
    verbose_name = "值班"

    def ready(self) -> None:
        from . import settings  # noqa: F401 - declares the room's settings
