"""The rules of the pattern."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, FormPage, Page

from .. import forms, services
from ..models import ShiftRule
from .week import day_of

_DAYS = {"workday": "工作日", "makeup": "调休工作日", "rest": "休息日", "holiday": "节假日"}
_TIMES = {"open": "上班", "close": "下班"}


class RulesPage(Page):
    permission = "rota.rule:view"
    template_name = "rota/rules.html"
    title = "排班规则"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rules = [
            {
                "rule": rule,
                "days": "、".join(_DAYS.get(d, d) for d in rule.days),
                "weekdays": "、".join(f"周{'一二三四五六日'[n]}" for n in rule.weekdays),
                "times": f"{_TIMES.get(rule.start, rule.start)}–{_TIMES.get(rule.end, rule.end)}",
                "people": [p.person for p in rule.people.all() if not p.stand_in],
                "stand_ins": [p.person for p in rule.people.all() if p.stand_in],
                "ended": rule.valid_until is not None and rule.valid_until < timezone.localdate(),
            }
            for rule in ShiftRule.objects.prefetch_related("people__person")
        ]
        return super().get_context_data(**kwargs) | {
            "tab": "rules",
            "rules": rules,
            "can_change": may(self.actor, "rota.rule:change"),
        }


class EditRule(FormPage):
    permission = "rota.rule:change"
    template_name = "rota/rule_edit.html"
    form_class = forms.RuleForm
    lead = "已发布的周不变；未发布的周立即按新规则预排"

    @property
    def rule(self) -> ShiftRule | None:
        key = self.kwargs.get("key")
        return get_object_or_404(ShiftRule, key=key) if key else None

    def get_title(self) -> str:
        return f"修改排班规则：{self.rule}" if self.rule else "新增排班规则"

    def get_initial(self) -> dict[str, Any]:
        rule = self.rule
        if rule is None:
            return {"days": ["workday", "makeup"], "start": "open", "end": "close", "anchor": timezone.localdate()}
        people = list(rule.people.select_related("person"))
        return {
            name: getattr(rule, name)
            for name in ("label", "kind", "days", "weekdays", "start", "end", "rotation", "at_once", "anchor", "place",
                         "valid_from", "valid_until")
        } | {
            "people": [p.person_id for p in people if not p.stand_in],
            "stand_ins": [p.person_id for p in people if p.stand_in],
        }  # fmt: skip

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"rule": self.rule, "today": timezone.localdate()}

    def get_back_url(self) -> str:
        return reverse("rota:rules")

    def act(self, form: Any) -> HttpResponseBase:
        rule = self.rule
        order = rule.order if rule else ShiftRule.objects.count() + 1
        key = rule.key if rule else f"r-{secrets.token_hex(4)}"
        saved = services.save_rule(self.actor, services.RuleInput(key=key, order=order, **form.cleaned_data))
        return self.done(f"已保存“{saved}”", reverse("rota:rules"))


class EndRule(Act):
    permission = "rota.rule:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        rule = get_object_or_404(ShiftRule, key=kwargs["key"])
        last = day_of(request.POST.get("last", ""), timezone.localdate())
        services.end_rule(self.actor, rule, last)
        return f"“{rule}”用到 {last:%Y-%m-%d}"
