"""Error pages: what happened, is anything lost, what to do now. Never a trace, never what was typed."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse

from xingwei.base.ui.views import error_page

log = logging.getLogger(__name__)


def page(request: HttpRequest, status: int, reason: str = "") -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(reason or "没有成功", status=status, content_type="text/plain; charset=utf-8")
    return error_page(request, status, reason=reason)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page(request, 400)


def denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page(request, 403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return page(request, 403, "页面停留太久或已在别处重新登录，请刷新后再提交")


def server_error(request: HttpRequest) -> HttpResponse:
    reference = f"E-{secrets.token_hex(4).upper()}"
    log.error("error page %s shown for %s", reference, request.resolver_match and request.resolver_match.view_name)
    return error_page(request, 500, reference=reference)
