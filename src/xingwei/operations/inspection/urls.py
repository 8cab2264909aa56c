from django.urls import path

from . import views

urlpatterns = [
    path("", views.Inspections.as_view(), name="inspections"),
    path("plans/", views.Plans.as_view(), name="plans"),
    path("arrange/", views.Arrange.as_view(), name="arrange"),
    path("<int:pk>/", views.InspectionPage.as_view(), name="inspection"),
    path("<int:pk>/report.pdf", views.Report.as_view(), name="report"),
    path("<int:pk>/start/", views.Start.as_view(), name="start"),
    path("<int:pk>/machine/", views.AskMachine.as_view(), name="machine"),
    path("<int:pk>/finish/", views.Finish.as_view(), name="finish"),
    path("<int:pk>/cancel/", views.Cancel.as_view(), name="cancel"),
    path("<int:pk>/items/<int:item>/", views.ItemPage.as_view(), name="item"),
    path("<int:pk>/items/<int:item>/hazard/", views.Hazard.as_view(), name="hazard"),
]
