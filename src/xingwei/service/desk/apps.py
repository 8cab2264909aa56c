from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "xingwei.service.desk"
    label = "desk"
