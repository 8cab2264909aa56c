from django.apps import AppConfig


class CalendarConfig(AppConfig):
    name = "xingwei.base.calendar"
    label = "calendar"
