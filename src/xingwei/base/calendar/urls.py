from django.urls import path

from . import views

urlpatterns = [
    path("", views.YearPage.as_view(), name="current"),
    path("<int:year>/", views.YearPage.as_view(), name="year"),
    path("<int:year>/edit/", views.EditYear.as_view(), name="edit"),
    path("hours/", views.EditHours.as_view(), name="hours"),
    path("versions/", views.Versions.as_view(), name="versions"),
    path("versions/<str:number>/", views.VersionPage.as_view(), name="version"),
]
