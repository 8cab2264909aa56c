from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "xingwei.operations.gateway"
    label = "gateway"
    verbose_name = "接口网关"
    default_auto_field = "django.db.models.BigAutoField"
