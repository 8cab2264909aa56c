from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "xingwei.data.lake"
    label = "lake"
    verbose_name = "数据湖"
    default_auto_field = "django.db.models.BigAutoField"
