"""The evidence pack of a run: Excel, PDF and the digests, in one ZIP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from xingwei.base.ui.views import Guarded, error_page

from ..models import Run
from ..services import packs
from .common import run_or_404


class Pack(Guarded):
    permission = "reconcile.reconciliation:export"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        run = run_or_404(self.actor, kwargs["pk"], self.permission)
        if run.state != Run.State.DONE:
            return error_page(request, 409, reason="这次核对没有做完，没有可以打包的结果。")
        name, content = packs.pack(self.actor, run)
        response = HttpResponse(content, content_type="application/zip")
        response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        return response
