"""Triage's pages, below /watch/."""

from django.urls import path

from .views import triage

urlpatterns = [
    path("triage/", triage.Verdicts.as_view(), name="verdicts"),
    path("triage/ask/", triage.Ask.as_view(), name="verdict-ask"),
    path("triage/case/<str:number>/", triage.AskForCase.as_view(), name="verdict-ask-case"),
    path("triage/responsibility/", triage.Responsibility.as_view(), name="responsibility"),
    path("triage/responsibility/<int:number>/agree/", triage.Agree.as_view(), name="responsibility-agree"),
    path("triage/<int:pk>/", triage.VerdictPage.as_view(), name="verdict"),
    path("triage/<int:pk>/paper/", triage.Paper.as_view(), name="verdict-paper"),
    path("triage/<int:pk>/again/", triage.Again.as_view(), name="verdict-again"),
    path("triage/<int:pk>/confirm/", triage.Confirm.as_view(), name="verdict-confirm"),
    path("triage/<int:pk>/correct/", triage.Correct.as_view(), name="verdict-correct"),
    path("triage/<int:pk>/tell/", triage.Tell.as_view(), name="verdict-tell"),
    path("triage/<int:pk>/coordinate/", triage.Coordinate.as_view(), name="verdict-coordinate"),
]
