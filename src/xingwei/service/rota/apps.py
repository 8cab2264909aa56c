from django.apps import AppConfig


class RotaConfig(AppConfig):
    name = "xingwei.service.rota"
    label = "rota"
