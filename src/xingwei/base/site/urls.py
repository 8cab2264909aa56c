from django.urls import path

from . import views

urlpatterns = [
    path("", views.Settings.as_view(), name="settings"),
    path("change/", views.ChangeSetting.as_view(), name="change"),
]
