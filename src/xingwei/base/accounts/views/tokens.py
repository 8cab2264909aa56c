"""One's own API tokens."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from xingwei.base.ui.views import SIGNED_IN, Act, FormPage, Page

from ..forms import TokenForm
from ..models import ApiToken
from ..services import tokens

CREATE = "accounts.token:create"


class Tokens(Page):
    permission = CREATE
    template_name = "accounts/tokens.html"
    title = "API 令牌"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = ApiToken.objects.filter(user=self.request.user.pk).order_by("-created_at")[:50]
        return super().get_context_data(**kwargs) | {"tokens": rows}


class CreateToken(FormPage):
    permission = CREATE
    title = "签发令牌"
    template_name = "accounts/token_form.html"
    form_class = TokenForm
    submit_label = "签发"
    lead = "令牌代表您本人：用它做的每件事都记在您名下"

    def get_form(self, data: Any = None, files: Any = None) -> TokenForm:
        return TokenForm(data, actor=self.actor)

    def get_back_url(self) -> str:
        return reverse("accounts:tokens")

    def act(self, form: Any) -> HttpResponse:
        data = form.cleaned_data
        token, text = tokens.create_token(self.actor, data["name"], data["scopes"], data["days"])
        context = {"token": token, "text": text, "title": "新令牌"}
        return render(self.request, "accounts/new_token.html", context)


class RevokeToken(Act):
    permission = SIGNED_IN  # one's own; another's needs accounts.token:revoke, which the service asks for

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        token = get_object_or_404(ApiToken, pk=kwargs["pk"])
        tokens.revoke_token(self.actor, token)
        return f"令牌“{token.name}”已吊销。"
