from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "xingwei.base.accounts"
    label = "accounts"
    verbose_name = "人员与账号"

    def ready(self) -> None:
        from xingwei.base.journal import options

        from . import role_classes, settings, shown

        options.use(settings.journal_options)
        post_migrate.connect(role_classes.rewrite, sender=self, dispatch_uid="accounts.role_classes")
        shown.register()
