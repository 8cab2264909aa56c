from django.urls import path

from .views import asking, clauses, duties, home, paying, text, versions

urlpatterns = [
    path("", home.Home.as_view(), name="home"),
    path("text/", text.Text.as_view(), name="text"),
    path("scorecard/", text.ScorecardSheet.as_view(), name="scorecard"),
    path("clauses/", clauses.Clauses.as_view(), name="clauses"),
    path("clauses/<str:number>/", clauses.ClausePage.as_view(), name="clause"),
    path("questions/", asking.Questions.as_view(), name="questions"),
    path("questions/print/", asking.Memorandum.as_view(), name="memorandum"),
    path("questions/<slug:question>/", asking.QuestionPage.as_view(), name="question"),
    path("questions/<slug:question>/agree/", asking.Agree.as_view(), name="agree"),
    path("questions/<slug:question>/withdraw/", asking.Withdraw.as_view(), name="withdraw"),
    path("obligations/", duties.Obligations.as_view(), name="obligations"),
    path("obligations/calendar/", duties.Calendar.as_view(), name="calendar"),
    path("obligations/<slug:obligation>/", duties.ObligationPage.as_view(), name="obligation"),
    path("obligations/<slug:obligation>/record/", duties.Record.as_view(), name="record"),
    path("records/<int:pk>/strike/", duties.Strike.as_view(), name="strike"),
    path("fee/", paying.FeeTrial.as_view(), name="fee"),
    path("versions/", versions.Versions.as_view(), name="versions"),
    path("versions/<int:number>/", versions.VersionPage.as_view(), name="version"),
    path("versions/<int:number>/publish/", versions.Publish.as_view(), name="publish"),
    path("versions/<int:old>/diff/<int:new>/", versions.DiffPage.as_view(), name="diff"),
]
