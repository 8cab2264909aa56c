from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "xingwei.base.connections"
    label = "connections"
    verbose_name = "连接业务库"
    default_auto_field = "django.db.models.BigAutoField"
