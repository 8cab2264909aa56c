from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    name = "xingwei.data.reconcile"
    label = "reconcile"
    verbose_name = "对账"
    default_auto_field = "django.db.models.BigAutoField"
