from django.urls import path

from .views import board, difference, lists, making, packs

urlpatterns = [
    path("", board.Home.as_view(), name="home"),
    path("new/", making.New.as_view(), name="new"),
    path("new/<int:pk>/", making.Draft.as_view(), name="draft"),
    path("new/<int:pk>/save/", making.SaveDraft.as_view(), name="draft-save"),
    path("differences/", lists.Differences.as_view(), name="differences"),
    path("differences/<int:pk>/", difference.DifferencePage.as_view(), name="difference"),
    path("differences/<int:pk>/match/<str:what>/", difference.MatchAct.as_view(), name="match-act"),
    path("differences/<int:pk>/<str:what>/", difference.DifferenceAct.as_view(), name="difference-act"),
    path("remedies/", lists.Remedies.as_view(), name="remedies"),
    path("remedies/propose/", difference.ProposeAct.as_view(), name="propose"),
    path("remedies/<int:pk>/<str:what>/", difference.RemedyAct.as_view(), name="remedy-act"),
    path("runs/<int:pk>/", board.RunPage.as_view(), name="run"),
    path("runs/<int:pk>/pack/", packs.Pack.as_view(), name="pack"),
    path("runs/<int:pk>/replay/", board.Replay.as_view(), name="replay"),
    path("of/<str:code>/", board.Board.as_view(), name="reconciliation"),
    path("of/<str:code>/history/", lists.History.as_view(), name="history"),
    path("of/<str:code>/run/", making.Ask.as_view(), name="ask"),
    path("of/<str:code>/again/", board.RunAgain.as_view(), name="again"),
    path("of/<str:code>/edit/", making.Edit.as_view(), name="edit"),
]
