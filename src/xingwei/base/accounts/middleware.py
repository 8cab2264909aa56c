"""Every request has an `actor`: who acts, from where, with which roles. Behind the gate, only what is due."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from xingwei.base.policy.engine import ANONYMOUS, Actor
from xingwei.base.ui.views import to_sign_in

from .addresses import client_address
from .queries import actor_of
from .services.sign_in import GATE
from .tokens import bearer, person_of

API = "/api/"
BACKGROUND = "X-Background"  # pages that poll by themselves send it: that is nobody's act, and keeps nobody in
_PAGES = {"password": "accounts:password", "mfa": "accounts:mfa"}


class ActorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: _actor(request))  # type: ignore[attr-defined]
        response = self.get_response(request)
        touch = getattr(request.session, "touch", None)
        if touch is not None and BACKGROUND not in request.headers:
            touch()
        return response


class GateMiddleware:
    """Who must first change a password or bind an authenticator gets no other page; the API has tokens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API) or not request.COOKIES or not (due := request.session.get(GATE)):
            return self.get_response(request)
        page = reverse(_PAGES[due[0]])
        if request.path in (page, reverse("sign-out")):
            return self.get_response(request)
        if request.headers.get("HX-Request"):
            return to_sign_in(request)
        return HttpResponseRedirect(page)


def _actor(request: HttpRequest) -> Actor:
    if request.path.startswith(API):
        token = bearer(request)
        return person_of(token, address=client_address(request)) if token else ANONYMOUS
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ANONYMOUS
    return actor_of(user, address=client_address(request))
