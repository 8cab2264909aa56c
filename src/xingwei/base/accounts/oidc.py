"""The hospital's single sign-on (OpenID Connect), by django-allauth's client behind our own addresses.

allauth does the protocol (state, PKCE, code for token, userinfo); who may come in, and what is asked then,
is decided by services/sign_in.py as for every other way in. No account is ever created by a sign-on.
"""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from requests import RequestException

from .environment import Oidc
from .services import sign_in
from .services.sign_in import SignInRefused

PROVIDER = "hospital"


class Client(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's client, returning to our own address."""

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('sign-in-oidc-back')}"


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """settings.SOCIALACCOUNT_ADAPTER: takes over once allauth knows who the person is, or that it failed."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        claims = sociallogin.account.extra_data
        claims = claims.get("userinfo") or claims.get("id_token") or claims
        username = str(claims.get(_config().claim) or "")
        raise ImmediateHttpResponse(_come_in(request, username, (sociallogin.state or {}).get("next") or ""))

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        messages.error(request, f"{_config().name}没有完成登录，请再试一次，或用工号和密码登录。")
        raise ImmediateHttpResponse(HttpResponseRedirect(reverse("sign-in")))


def start(request: HttpRequest, next_url: str) -> HttpResponse:
    """To the single sign-on, and back to `back`."""
    client = Client(request, PROVIDER)
    provider = client.get_provider()
    provider.oauth2_adapter_class = Client
    try:
        answer: HttpResponse = provider.redirect(request, process="login", next_url=next_url)
    except RequestException:
        messages.error(request, f"{_config().name}现在连不上，请用工号和密码登录，或稍后再试。")
        answer = HttpResponseRedirect(reverse("sign-in"))
    except ImmediateHttpResponse as turned:
        answer = turned.response
    return answer


def back(request: HttpRequest) -> HttpResponse:
    """The single sign-on sends the person back here."""
    return OAuth2CallbackView.adapter_view(Client(request, PROVIDER))(request)  # type: ignore[no-any-return]


def _config() -> Oidc:
    found: Oidc | None = settings.ACCOUNTS_OIDC
    assert found is not None, "addresses of the single sign-on answer 404 without one"
    return found


def _come_in(request: HttpRequest, username: str, next_url: str) -> HttpResponse:
    try:
        inside = sign_in.by_single_sign_on(request, username, next_url=next_url)
    except SignInRefused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("sign-in"))
    return HttpResponseRedirect((next_url or "/") if inside else reverse("sign-in-code"))
