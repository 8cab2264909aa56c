from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "xingwei.base.site"
    label = "site"
    verbose_name = "系统设置"
