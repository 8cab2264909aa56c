from django.urls import path

from .views import alerts

urlpatterns = [path("metrics", alerts.Metrics.as_view(), name="metrics")]
