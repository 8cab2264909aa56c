"""The root of all addresses: every room at its prefix, the API, the home page, the search."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from . import views
from .api import api
from .rooms import ROOMS
from .upkeep import views as upkeep

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.Home.as_view(), name="home"),
    path("search/", views.Search.as_view(), name="search"),
    path("processes/", upkeep.Processes.as_view(), name="processes"),
    path("processes/jobs/<int:job_id>/retry/", upkeep.RetryJob.as_view(), name="retry-job"),
    path("processes/backup/", upkeep.BackUp.as_view(), name="back-up"),
    path("healthz", views.Health.as_view(), name="health"),
    path("api/", api.urls),
]
for room in ROOMS:
    if room.prefix and (module := room.part("urls")):
        urlpatterns.append(path(f"{room.prefix}/", include((module.urlpatterns, room.name))))
    if room.prefix and (module := room.part("root_urls")):
        urlpatterns += module.urlpatterns

handler400 = "xingwei.web.errors.bad_request"
handler403 = "xingwei.web.errors.denied"
handler404 = "xingwei.web.errors.not_found"
handler500 = "xingwei.web.errors.server_error"
