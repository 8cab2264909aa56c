"""The pages of the watch."""

from .triage_urls import urlpatterns as triage

urlpatterns = [*triage]
