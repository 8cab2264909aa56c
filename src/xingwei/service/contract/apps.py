from django.apps import AppConfig


class ContractConfig(AppConfig):
    name = "xingwei.service.contract"
    label = "contract"
    verbose_name = "合同"

    def ready(self) -> None:
        from . import registration

        registration.register()
