"""Headers of every answer, and refusals turned into pages."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from xingwei.base.policy.registry import Denied
from xingwei.base.ui.views import ServiceRefused

from . import errors

CSP = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",  # style attributes carry the width of bars
        "script-src 'self'",
        "font-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class SafetyHeaders:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class BodyLimit:
    """A request that says it is larger than anything that is kept here is refused before its body is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        claimed = request.META.get("CONTENT_LENGTH") or "0"
        size = int(claimed) if claimed.isascii() and claimed.isdigit() else 0
        if size > settings.MAX_BODY_SIZE:
            reason = f"一共有 {size / 2**20:,.0f} MB，一次最多 {settings.MAX_BODY_SIZE / 2**20:,.0f} MB"
            return errors.page(request, 413, reason)
        return self.get_response(request)


class NoNul:
    """A NUL names nothing and no table can hold one: such an address, or JSON body of the API, is refused at once."""

    said = "内容里有看不见的控制字符（NUL），请去掉后再试"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        in_api = request.path.startswith("/api/")
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return self._refused(request, 400, in_api)
        if in_api and request.content_type == "application/json" and b"\\u0000" in request.body:
            return self._refused(request, 422, in_api)
        return self.get_response(request)

    def _refused(self, request: HttpRequest, status: int, in_api: bool) -> HttpResponse:
        return JsonResponse({"detail": self.said}, status=status) if in_api else errors.page(request, status, self.said)


class Errors:
    """Denied → 403, ServiceRefused that no view caught → 409, each as a page in Chinese."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Denied):
            return errors.page(request, 403, str(exception))
        if isinstance(exception, ServiceRefused):
            return errors.page(request, 409, str(exception))
        return None
