from django.urls import path

from .views import inbox

urlpatterns = [
    path("", inbox.Inbox.as_view(), name="inbox"),
    path("<int:pk>/open/", inbox.Open.as_view(), name="open"),
    path("<int:pk>/read/", inbox.MarkRead.as_view(), name="read"),
    path("read/", inbox.MarkAllRead.as_view(), name="read-all"),
    path("pulse/", inbox.Pulse.as_view(), name="pulse"),
]
