from django.urls import path

from . import views

urlpatterns = [
    path("", views.PlansPage.as_view(), name="plans"),
    path("new/", views.EditPlan.as_view(), name="new"),
    path("<slug:code>/", views.PlanPage.as_view(), name="plan"),
    path("<slug:code>/edit/", views.EditPlan.as_view(), name="edit"),
    path("<slug:code>/prove/", views.Prove.as_view(), name="prove"),
    path("<slug:code>/running/", views.Live.as_view(), name="running"),
]
