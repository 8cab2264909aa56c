"""Signing in and out, the second step, and the hospital's single sign-on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from xingwei.base.site.queries import value
from xingwei.base.ui.views import PUBLIC, Guarded

from .. import hooks, mfa, oidc, queries
from ..directory import DirectoryUnavailable
from ..models import Session
from ..services import sign_in
from ..services.sign_in import SignInRefused


def wanted(request: HttpRequest) -> str:
    """Where the person was going, when that is an address of ours; "" otherwise."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    return url if url_has_allowed_host_and_scheme(url, {request.get_host()}) else ""


@method_decorator(never_cache, name="dispatch")
class SignIn(Guarded):
    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return HttpResponseRedirect(wanted(request) or reverse("home"))
        return self.page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        username, password = request.POST.get("username", ""), request.POST.get("password", "")
        if not username.strip() or not password:
            return self.page(request, said="请填工号和密码。", status=422)
        try:
            code = request.POST.get("code", "")
            inside = sign_in.by_password(request, username, password, code, next_url=wanted(request))
        except SignInRefused as refusal:
            return self.page(request, said=str(refusal), locked=refusal.locked, status=422)
        except DirectoryUnavailable as trouble:
            return self.page(request, said=str(trouble), status=503)
        if not inside:
            return HttpResponseRedirect(reverse("sign-in-code"))
        return HttpResponseRedirect(wanted(request) or reverse("home"))

    def page(self, request: HttpRequest, *, said: str = "", locked: bool = False, status: int = 200) -> HttpResponse:
        ended = getattr(request.session, "ended", "")
        context = {
            "said": said,
            "locked": locked,
            "ended": Session.Ended(ended).label if ended else "",
            "next": wanted(request),
            "username": request.POST.get("username", "")[:40],
            "ldap": settings.ACCOUNTS_LDAP is not None,
            "oidc": settings.ACCOUNTS_OIDC,
            "ask_code": asks_for_codes(),
            "phone": value("accounts.duty_phone"),
        }
        return render(request, "accounts/sign_in.html", context | beside(), status=status)


@method_decorator(never_cache, name="dispatch")
class SignInCode(Guarded):
    """The second step, for who did not type the code together with the password."""

    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        if sign_in.waiting(request) is None:
            return HttpResponseRedirect(reverse("sign-in"))
        return self.page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            next_url = sign_in.by_code(request, request.POST.get("code", ""))
        except SignInRefused as refusal:
            return self.page(request, said=str(refusal), locked=refusal.locked, status=422)
        return HttpResponseRedirect(next_url or reverse("home"))

    def page(self, request: HttpRequest, *, said: str = "", locked: bool = False, status: int = 200) -> HttpResponse:
        found = sign_in.waiting(request)
        context = {"said": said, "locked": locked, "person": found.user if found else None} | beside()
        return render(request, "accounts/sign_in_code.html", context, status=status)


class SignOut(Guarded):
    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("home"))

    def post(self, request: HttpRequest) -> HttpResponse:
        sign_in.leave(request, self.actor)
        return HttpResponseRedirect(reverse("sign-in"))


class OidcStart(Guarded):
    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        _configured()
        return oidc.start(request, wanted(request))


class OidcBack(Guarded):
    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponseBase:
        _configured()
        return oidc.back(request)


def beside() -> dict[str, Any]:
    """What stands beside the form: whose systems, and what the contract promises."""
    hospital = queries.hospital()
    return {"hospital": hospital.short_name if hospital else "", "welcome": hooks.welcome()}


def asks_for_codes() -> bool:
    """Whether a field for the code belongs on the sign-in page: somebody here needs one."""
    demanded: Any = value("accounts.mfa.administrators") or value("accounts.mfa.remote")
    return bool(demanded) or mfa.anybody_enrolled()


def _configured() -> None:
    if settings.ACCOUNTS_OIDC is None:
        raise Http404("没有配置统一认证")
