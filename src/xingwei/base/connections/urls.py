from django.urls import path

from . import views

urlpatterns = [
    path("", views.Connections.as_view(), name="connections"),
    path("new/", views.NewConnection.as_view(), name="new"),
    path("<str:code>/", views.ConnectionPage.as_view(), name="connection"),
    path("<str:code>/edit/", views.EditConnection.as_view(), name="edit"),
    path("<str:code>/prove/", views.Prove.as_view(), name="prove"),
    path("<str:code>/switch/", views.Switch.as_view(), name="switch"),
    path("<str:code>/statements/", views.Show.as_view(), name="show"),
    path("<str:code>/statements/<int:pk>/withdraw/", views.Withdraw.as_view(), name="withdraw"),
]
