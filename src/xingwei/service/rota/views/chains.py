"""Escalation chains, and the simulation that shows who would be called when."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import System
from xingwei.base.policy.registry import may, roles
from xingwei.base.ui.views import Act, Page

from .. import forms, queries, services
from ..engine.chain import DUTIES
from ..models import ChainVersion, EscalationChain

LEVELS = {1: "一级", 2: "二级", 3: "三级"}


def target_words(target: str, people: dict[int, User]) -> str:
    """当班驻场, 服务经理, 陈工."""
    kind, _, name = target.partition(":")
    if kind == "role":
        return str(roles().get(name, {}).get("label", name))
    if kind == "person":
        return str(people.get(int(name), "已删除的人员"))
    return DUTIES.get(target, target)


def steps_in_words(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = {int(t.partition(":")[2]) for s in steps for t in s["to"] if t.startswith("person:")}
    people = queries.people_of(ids)
    return [s | {"who": "、".join(target_words(t, people) for t in s["to"])} for s in steps]


class ChainsPage(Page):
    """?severity=2&system=YB&at=2026-03-18T22:00 simulates a fault."""

    permission = "rota.chain:view"
    template_name = "rota/chains.html"
    title = "升级链"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = self.request.GET
        severity = {"1": 1, "2": 2, "3": 3}.get(wanted.get("severity", ""), 2)
        systems = list(System.objects.order_by("order"))
        code = next((s.code for s in systems if s.code == wanted.get("system")), "")
        at = _moment(wanted.get("at", ""))
        versions = [{"version": v, "steps": steps_in_words(v.steps)} for v in queries.chains()]
        return super().get_context_data(**kwargs) | {
            "tab": "chains",
            "chains": versions,
            "levels": LEVELS,
            "severity": severity,
            "systems": systems,
            "system": code,
            "at": at,
            "calls": _calls(severity, code, at),
            "simulated": bool(wanted),
            "can_change": may(self.actor, "rota.chain:change"),
        }


class EditChain(Page):
    """The steps as rows; saving makes a new version."""

    permission = "rota.chain:change"
    template_name = "rota/chain_edit.html"

    def key(self) -> tuple[int, System | None]:
        severity = self.kwargs["severity"]
        if severity not in (0, 1, 2, 3):
            raise Http404("没有这个等级")
        code = self.kwargs.get("system", "")
        return severity, get_object_or_404(System, code=code) if code else None

    def in_force(self) -> ChainVersion | None:
        severity, system = self.key()
        return ChainVersion.objects.filter(chain__severity=severity, chain__system=system).first()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        severity, system = self.key()
        version = self.in_force()
        title = f"{LEVELS.get(severity, '各级')}故障{f'（{system}）' if system else ''}"
        context = super().get_context_data(**kwargs)
        steps = version.steps if version else queries.chain_for(severity or 3, system.code if system else "")
        context.setdefault("form", forms.ChainForm(initial={"name": version.chain.name if version else title}))
        context.setdefault("formset", forms.StepFormSet(initial=steps, form_kwargs={"targets": forms.target_choices()}))
        history = ChainVersion.objects.filter(chain__severity=severity, chain__system=system).select_related("author")
        return context | {
            "title": f"升级链：{title}",
            "version": version,
            "history": [{"version": v, "steps": steps_in_words(v.steps)} for v in history[:20]],
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        severity, system = self.key()
        form = forms.ChainForm(request.POST)
        formset = forms.StepFormSet(request.POST, form_kwargs={"targets": forms.target_choices()})
        if form.is_valid() and formset.is_valid():
            steps = sorted(
                (f.cleaned_data for f in formset if not f.is_empty), key=lambda s: s.get("after_minutes") or 0
            )
            try:
                version = services.save_chain(
                    self.actor, severity=severity, system=system, name=form.cleaned_data["name"], steps=steps,
                    note=form.cleaned_data["note"],
                )  # fmt: skip
                messages.success(request, f"已保存“{version.chain}”第 {version.number} 版；正在处理的问题仍按原来的链")
                return HttpResponseRedirect(reverse("rota:chains"))
            except services.Refused as refusal:
                form.add_error(None, str(refusal))
        return self.render_to_response(self.get_context_data(form=form, formset=formset), status=422)


class SwitchChain(Act):
    permission = "rota.chain:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        chain = get_object_or_404(EscalationChain, pk=kwargs["pk"])
        row = services.switch_chain(self.actor, chain, active=request.POST.get("active") == "1")
        return f"已{'启用' if row.active else '停用'}“{row}”"


def _calls(severity: int, code: str, at: dt.datetime) -> list[dict[str, Any]]:
    calls = queries.simulate(severity, code, at)
    words = steps_in_words([c.step for c in calls])
    return [{"at": c.at, "people": c.people, "step": w} for c, w in zip(calls, words, strict=True)]


def _moment(text: str) -> dt.datetime:
    """A local moment from the URL; now for what is none."""
    now = timezone.localtime().replace(second=0, microsecond=0)
    try:
        found = dt.datetime.fromisoformat(text[:16])
    except ValueError:
        return now
    if not 2020 <= found.year <= 2099:
        return now
    return timezone.make_aware(found.replace(tzinfo=None))
