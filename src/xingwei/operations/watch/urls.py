"""The pages of the watch."""

from django.urls import path

from .triage_urls import urlpatterns as triage
from .views import jobs, metrics, probes, status, troubles, wall, windows

urlpatterns = [
    path("", status.Status.as_view(), name="status"),
    path("functions/", status.Functions.as_view(), name="functions"),
    path("functions/<str:code>/", status.Function.as_view(), name="function"),
    path("troubles/", troubles.Troubles.as_view(), name="troubles"),
    path("troubles/<int:pk>/", troubles.TroublePage.as_view(), name="trouble"),
    path("probes/", probes.Probes.as_view(), name="probes"),
    path("probes/new/", probes.EditProbe.as_view(), name="probe-new"),
    path("probes/<str:code>/", probes.ProbePage.as_view(), name="probe"),
    path("probes/<str:code>/edit/", probes.EditProbe.as_view(), name="probe-edit"),
    path("probes/<str:code>/switch/", probes.SwitchProbe.as_view(), name="probe-switch"),
    path("probes/<str:code>/remove/", probes.RemoveProbe.as_view(), name="probe-remove"),
    path("probes/<str:code>/look/", probes.LookNow.as_view(), name="probe-look"),
    path("probes/<str:code>/token/", probes.AgentToken.as_view(), name="probe-token"),
    path("jobs/", jobs.Jobs.as_view(), name="jobs"),
    path("jobs/new/", jobs.EditJob.as_view(), name="job-new"),
    path("jobs/<str:code>/", jobs.JobPage.as_view(), name="job"),
    path("jobs/<str:code>/edit/", jobs.EditJob.as_view(), name="job-edit"),
    path("jobs/<str:code>/token/", jobs.JobToken.as_view(), name="job-token"),
    path("beat/<str:token>/", jobs.HeartBeat.as_view(), name="beat-ok"),
    path("beat/<str:token>/<str:kind>/", jobs.HeartBeat.as_view(), name="beat"),
    path("push/", jobs.Push.as_view(), name="push"),
    path("windows/", windows.Windows.as_view(), name="windows"),
    path("windows/new/", windows.NewWindow.as_view(), name="window-new"),
    path("windows/<int:pk>/end/", windows.EndWindow.as_view(), name="window-end"),
    path("wall/", wall.Wall.as_view(), name="wall"),
    path("wall/data/", wall.WallData.as_view(), name="wall-data"),
    path("wall/open/<str:token>/", wall.OpenScreen.as_view(), name="open-screen"),
    path("screens/", wall.Screens.as_view(), name="screens"),
    path("screens/new/", wall.NewScreen.as_view(), name="screen-new"),
    path("screens/<int:pk>/close/", wall.CloseScreen.as_view(), name="screen-close"),
    path("metrics/", metrics.Metrics.as_view(), name="metrics"),
    *triage,
]
