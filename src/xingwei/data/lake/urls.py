from django.urls import path

from .views import datasets, mappings, quality, trace

urlpatterns = [
    path("", datasets.Home.as_view(), name="home"),
    path("datasets/<str:code>/", datasets.DatasetPage.as_view(), name="dataset"),
    path("datasets/<str:code>/rows/", trace.Rows.as_view(), name="rows"),
    path("mappings/", mappings.Mappings.as_view(), name="mappings"),
    path("mappings/<str:code>/", mappings.MappingPage.as_view(), name="mapping"),
    path("mappings/<str:code>/run/", mappings.RunNow.as_view(), name="run"),
    path("mappings/<str:code>/switch/", mappings.Switch.as_view(), name="switch"),
    path("mappings/<str:code>/source/", trace.Source.as_view(), name="source"),
    path("extracts/", mappings.Extracts.as_view(), name="extracts"),
    path("quality/", quality.Quality.as_view(), name="quality"),
    path("quality/<int:pk>/", quality.IssuePage.as_view(), name="issue"),
    path("quality/<int:pk>/case/", quality.OpenCase.as_view(), name="open-case"),
    path("quality/<int:pk>/accept/", quality.Accept.as_view(), name="accept"),
    path("quality/<int:pk>/reopen/", quality.Reopen.as_view(), name="reopen"),
]
