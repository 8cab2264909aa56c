from django.apps import AppConfig


class EstateConfig(AppConfig):
    name = "xingwei.base.estate"
    label = "estate"
    verbose_name = "系统"
