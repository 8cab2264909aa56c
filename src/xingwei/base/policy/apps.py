from django.apps import AppConfig


class PolicyConfig(AppConfig):
    name = "xingwei.base.policy"
    label = "policy"
    verbose_name = "权限"
