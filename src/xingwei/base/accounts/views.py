"""Signing in and out, and one's own account."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView

from xingwei.base.policy.registry import policy, roles
from xingwei.base.ui.views import PUBLIC, SIGNED_IN, Guarded, Page


class SignIn(Guarded, LoginView):
    permission = PUBLIC
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True
    next_page = "home"


class SignOut(Guarded, LogoutView):
    permission = PUBLIC
    next_page = "sign-in"


class Profile(Page):
    permission = SIGNED_IN
    template_name = "accounts/profile.html"
    title = "我的账号与权限"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        held = []
        for resource in policy().resources.values():
            for action in resource.actions:
                decision = policy().decide(self.actor, f"{resource.key}:{action}")
                if decision.allowed:
                    held.append((resource.label, resource.actions[action].label, decision.scope))
        return super().get_context_data(**kwargs) | {
            "held": held,
            "roles": [roles()[r] for r in sorted(self.actor.roles)],
        }
