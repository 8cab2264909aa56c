from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "xingwei.operations.backups"
    label = "backups"
    verbose_name = "备份证明"
    default_auto_field = "django.db.models.BigAutoField"
