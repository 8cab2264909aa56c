"""The desk's pages. A case is addressed by its number, so every other address stands before it."""

from __future__ import annotations

from django.urls import path

from .views import acts, calls, case, edit, entry, files, guides, ledger, papers, portal

urlpatterns = [
    path("", ledger.Ledger.as_view(), name="ledger"),
    path("bulk/", ledger.Bulk.as_view(), name="bulk"),
    path("views/save/", ledger.SaveView.as_view(), name="save-view"),
    path("views/<int:pk>/drop/", ledger.DropView.as_view(), name="drop-view"),
    path("new/", entry.Entry.as_view(), name="new"),
    path("new/callers/", entry.Callers.as_view(), name="callers"),
    path("new/guess/", entry.Guessing.as_view(), name="guess"),
    path("calls/", calls.Calls.as_view(), name="calls"),
    path("calls/missed/", calls.LogMissed.as_view(), name="missed"),
    path("calls/<int:pk>/back/", calls.CalledBack.as_view(), name="called-back"),
    path("files/<int:pk>/", files.File.as_view(), name="file"),
    path("portal/", portal.Report.as_view(), name="portal-report"),
    path("portal/mine/", portal.Mine.as_view(), name="portal-mine"),
    path("portal/notices/", portal.Notices.as_view(), name="portal-notices"),
    path("portal/guides/", guides.Offered.as_view(), name="offered"),
    path("portal/<str:number>/", portal.PortalCase.as_view(), name="portal-case"),
    path("portal/<str:number>/words/", portal.PortalWords.as_view(), name="portal-words"),
    path("portal/<str:number>/not-yet/", portal.PortalNotYet.as_view(), name="portal-not-yet"),
    path("portal/<str:number>/rate/", portal.PortalRate.as_view(), name="portal-rate"),
    path("portal/<str:number>/confirm/", portal.Confirm.as_view(), name="confirm"),
    path("<str:number>/", case.CaseView.as_view(), name="case"),
    path("<str:number>/move/<str:key>/", case.Move.as_view(), name="move"),
    path("<str:number>/note/", case.Note.as_view(), name="note"),
    path("<str:number>/act/<str:key>/", acts.CaseAct.as_view(), name="act"),
    path("<str:number>/edit/", edit.Edit.as_view(), name="edit"),
    path("<str:number>/guides/<int:pk>/helped/", guides.Helped.as_view(), name="helped"),
    path("<str:number>/watch/", acts.Watch.as_view(), name="watch"),
    path("<str:number>/links/<int:pk>/drop/", acts.Unlink.as_view(), name="unlink"),
    path("<str:number>/feedback/<int:pk>/", papers.FeedbackPdf.as_view(), name="feedback"),
    path("<str:number>/feedback/<int:pk>/receive/", acts.Receive.as_view(), name="receive"),
]
