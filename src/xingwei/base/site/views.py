"""The settings page: what is set, what the default is, why it is so."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, Page

from . import queries, services
from .registry import SettingError, registered


class Settings(Page):
    permission = "site.system_setting:view"
    template_name = "site/settings.html"
    title = "设置"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for setting in registered().values():
            if not may(self.actor, f"site.{setting.admin}_setting:view"):
                continue
            value = queries.value(setting.key)
            groups.setdefault(setting.group, []).append(
                {
                    "setting": setting,
                    "value": value,
                    "changed": value != setting.default,
                    "can_change": may(self.actor, f"site.{setting.admin}_setting:change"),
                }
            )
        return super().get_context_data(**kwargs) | {"groups": groups}


class ChangeSetting(Act):
    permission = "site.system_setting:view"  # the service asks for the right to change this very setting
    refusals = (*Act.refusals, SettingError)

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        key = request.POST.get("key", "")
        services.change_setting(self.actor, key, request.POST.get("value", ""))
        return f"已保存“{registered()[key].label}”"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("site:settings")
