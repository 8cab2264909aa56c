"""Granting and revoking roles; appointments of administrators and the second person's word on them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, FormPage, Page

from .. import queries
from ..forms import GrantForm
from ..models import RoleProposal, User
from ..models.roles import role_label
from ..services import roles
from ..services.roles import Term, administration_of
from .people import visible

GRANT = "accounts.role:grant"


class GrantRole(FormPage):
    permission = GRANT
    form_class = GrantForm
    submit_label = "授予"
    lead = "三员（系统、安全、审计管理员）由您提出任命，再由信息安全委员会或审计管理员确认"

    @property
    def person(self) -> User:
        return visible(self.request, self.kwargs["pk"])

    def get_title(self) -> str:
        return f"授予{self.person.name}角色"

    def get_form(self, data: Any = None, files: Any = None) -> GrantForm:
        return GrantForm(data, person=self.person)

    def get_back_url(self) -> str:
        return self.person.get_absolute_url()

    def act(self, form: Any) -> HttpResponseBase:
        data, person = form.cleaned_data, self.person
        if administration_of(data["role"]):
            roles.propose_role(
                self.actor,
                person,
                data["role"],
                reason=data["reason"],
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
            )
            return self.done("任命已提出，等第二个人确认。", person.get_absolute_url())
        term = Term(
            systems=tuple(data.get("systems") or ()), valid_from=data["valid_from"], valid_until=data["valid_until"]
        )
        roles.grant_role(self.actor, person, data["role"], term)
        return self.done(f"已授予{person.name}{role_label(data['role'])}角色。", person.get_absolute_url())


class RevokeRole(Act):
    permission = GRANT

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        person = visible(request, kwargs["pk"])
        roles.revoke_role(self.actor, person, kwargs["role"])
        return f"已收回{person.name}的{role_label(kwargs['role'])}角色。"


class Proposals(Page):
    permission = "accounts.role:view"
    template_name = "accounts/proposals.html"
    title = "管理员任命"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        decided = RoleProposal.objects.exclude(state=RoleProposal.State.OPEN)
        return super().get_context_data(**kwargs) | {
            "open": queries.open_proposals(),
            "decided": decided.select_related("user", "proposed_by", "decided_by").order_by("-decided_at")[:50],
            "can_confirm": may(self.actor, "accounts.role:confirm"),
        }


class ConfirmProposal(Act):
    permission = "accounts.role:confirm"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        proposal = get_object_or_404(RoleProposal, pk=kwargs["pk"])
        roles.confirm_proposal(self.actor, proposal)
        return f"已确认：{proposal.user.name}为{proposal.label}。"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("accounts:proposals")


class RefuseProposal(Act):
    permission = "accounts.role:confirm"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        proposal = get_object_or_404(RoleProposal, pk=kwargs["pk"])
        roles.refuse_proposal(self.actor, proposal, request.POST.get("reason", ""))
        return f"已拒绝任命{proposal.user.name}为{proposal.label}。"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("accounts:proposals")
