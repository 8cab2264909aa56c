from django.apps import AppConfig


class ContractConfig(AppConfig):
    name = "xingwei.service.contract"
    label = "contract"
