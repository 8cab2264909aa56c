from django.apps import AppConfig


class PerformanceConfig(AppConfig):
    name = "xingwei.operations.performance"
    label = "performance"
    verbose_name = "性能"
    default_auto_field = "django.db.models.BigAutoField"
