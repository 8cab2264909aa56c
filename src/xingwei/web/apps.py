from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "xingwei.web"
    label = "web"
    verbose_name = "杏维"
