"""The formal written feedback as PDF, for signature and filing (clause 9.7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from xingwei.base.ui.views import Guarded

from ..papers import feedback_pdf
from .common import OfCase


class FeedbackPdf(OfCase, Guarded):
    permission = "desk.case:view"
    related = ("system", "department")

    def get(self, request: HttpRequest, pk: int = 0, **kwargs: Any) -> HttpResponseBase:
        paper = self.case.feedback.select_related("signed_by__organisation", "received_by").filter(pk=pk).first()
        if paper is None:
            raise Http404
        response = HttpResponse(feedback_pdf(paper), content_type="application/pdf")
        response["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(f'{paper.number}.pdf')}"
        return response
