from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "xingwei.base.ui"
    label = "ui"
    verbose_name = "界面"
