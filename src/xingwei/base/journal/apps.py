from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "xingwei.base.journal"
    label = "journal"
    verbose_name = "审计日志"
