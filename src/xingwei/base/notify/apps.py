from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "xingwei.base.notify"
    label = "notify"
