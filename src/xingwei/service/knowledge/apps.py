from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "xingwei.service.knowledge"
    label = "knowledge"
