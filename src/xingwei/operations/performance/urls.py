from django.urls import path

from . import views

urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("<int:pk>/", views.StatementPage.as_view(), name="statement"),
    path("<int:pk>/ask/", views.Ask.as_view(), name="ask"),
    path("<int:pk>/advice/<int:advice>/", views.Decide.as_view(), name="decide"),
]
