"""One's own account: rights and why, sessions, password, second factor."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from xingwei.base.site.queries import value
from xingwei.base.ui.views import SIGNED_IN, Act, FormPage, Page, ServiceRefused

from .. import access, mfa
from ..forms import PasswordForm
from ..models import Session, User
from ..services import passwords, sessions
from ..services.sign_in import GATE


class Own(Page, abstract=True):
    """A page about the signed-in person."""

    permission = SIGNED_IN

    @property
    def person(self) -> User:
        return cast(User, self.request.user)

    @property
    def due(self) -> list[str]:
        """What the gate still holds the person for."""
        return list(self.request.session.get(GATE) or [])

    def settle(self, what: str) -> None:
        self.request.session[GATE] = [d for d in self.due if d != what]


class Profile(Own):
    template_name = "accounts/profile.html"
    title = "我的账号与权限"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = self.person
        return super().get_context_data(**kwargs) | {
            "person": person,
            "assignments": person.assignments.all(),
            "held": access.held(self.actor),
            "sessions": Session.objects.filter(user=person, ended="").order_by("-seen_at"),
            "this_session": self.request.session.session_key,
            "password_until": passwords.expires_on(person),
            "mfa": mfa.enrolled(person),
            "mfa_demanded": mfa.demanded(self.actor.roles),
            "recovery_left": mfa.recovery_left(person),
            "tokens": person.api_tokens.filter(revoked_at=None).count(),
            "idle": value("accounts.session.idle"),
        }


class ChangePassword(FormPage, Own):
    title = "修改密码"
    form_class = PasswordForm
    submit_label = "修改密码"
    permission = SIGNED_IN

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if "password" in self.due:
            first = self.person.must_change_password
            context["lead"] = "这是初始密码，请先改成自己的。" if first else "密码已到有效期，请先修改。"
        return context

    def get_form(self, data: Any = None, files: Any = None) -> PasswordForm:
        return PasswordForm(data, rules=passwords.rules_in_words())

    def get_back_url(self) -> str:
        return "" if self.due else reverse("accounts:profile")

    def act(self, form: Any) -> HttpResponseBase:
        user = passwords.change_password(self.actor, self.person, form.cleaned_data["old"], form.cleaned_data["new"])
        after = "/" if self.due else reverse("accounts:profile")
        update_session_auth_hash(self.request, user)
        self.settle("password")
        sessions.end_all(user, keep=self.request.session.session_key or "")
        return self.done("密码已修改，其他地方的登录已退出。", after)


class Mfa(Own):
    """Bind an authenticator app, or see that one is bound."""

    template_name = "accounts/mfa.html"
    title = "动态码"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        enrolled = mfa.enrolled(self.person) and "again" not in self.request.GET
        context = super().get_context_data(**kwargs) | {
            "enrolled": enrolled,
            "demanded": mfa.demanded(self.actor.roles),
            "due": "mfa" in self.due,
            "recovery_left": mfa.recovery_left(self.person),
        }
        return context if enrolled else context | mfa.begin(self.request.session, self.person)

    def post(self, request: HttpRequest) -> HttpResponse:
        acts = {"confirm": self._confirm, "renew": self._renew, "remove": self._remove}
        act = acts.get(request.POST.get("act", ""))
        if act is None:
            return self.refused("没有这个操作。")
        try:
            return act(request.POST.get("code", ""))
        except ServiceRefused as refusal:
            return self.refused(str(refusal))

    def refused(self, said: str) -> HttpResponse:
        return self.render_to_response(self.get_context_data(said=said), status=422)

    def _confirm(self, code: str) -> HttpResponse:
        codes = mfa.confirm(self.actor, self.request.session, self.person, code)
        after = "/" if self.due else reverse("accounts:profile")
        self.settle("mfa")
        return self._codes(codes, after)

    def _renew(self, code: str) -> HttpResponse:
        return self._codes(mfa.renew_recovery(self.actor, self.person, code), reverse("accounts:profile"))

    def _remove(self, code: str) -> HttpResponse:
        mfa.remove(self.actor, self.person, code, self.actor.roles)
        return HttpResponseRedirect(reverse("accounts:profile"))

    def _codes(self, codes: list[str], after: str) -> HttpResponse:
        """The recovery codes, shown this once."""
        context = {"codes": codes, "title": "备用码", "next": after}
        return render(self.request, "accounts/recovery_codes.html", context)


class EndSession(Act):
    """End one of one's own sessions, or another's as security administrator."""

    permission = SIGNED_IN

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Session.objects.exclude(user=None), pk=kwargs["key"])
        sessions.end_session(self.actor, row)
        return "已退出这处登录。"
