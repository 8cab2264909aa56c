"""Pages of backup plans."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.export import export_response
from xingwei.base.ui.views import Act, FormPage, Page, succeed

from . import hazards, queries, services
from .engine.standing import State
from .forms import PlanForm, sentinels_text
from .models import Plan, Trial
from .tables import PlansTable


class PlansPage(Page):
    """?export=csv|xlsx gives the same as a table."""

    permission = "backups.plan:view"
    template_name = "backups/plans.html"
    title = "备份证明"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if (kind := request.GET.get("export", "")) in ("csv", "xlsx"):
            return export_response(kind, "备份证明", PlansTable, queries.of(self.actor))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = queries.of(self.actor)
        enabled = [v for v in found if v.plan.enabled]
        return super().get_context_data(**kwargs) | {
            "views": [(v, hazards.why(v)) for v in found],
            "proven": sum(v.standing.state is State.PROVEN for v in enabled),
            "bad": sum(v.standing.state is not State.PROVEN for v in enabled),
            "running": sum(v.running is not None for v in found),
            "can_change": may(self.actor, "backups.plan:change"),
            "export_urls": {kind: f"?export={kind}" for kind in ("xlsx", "csv")},
        }


class PlanPage(Page):
    permission = "backups.plan:view"
    template_name = "backups/plan.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = Plan.objects.restrict(self.actor, "backups.plan:view").select_related("system", "connection", "case")
        plan = get_object_or_404(rows, code=self.kwargs["code"])
        view = queries.view(plan)
        trials = list(plan.trials.select_related("copy", "by")[:60])
        drill = next((t for t in trials if t.level == Trial.Level.RESTORED and t.ended_at is not None), None)
        drills = [t for t in reversed(trials) if t.level == Trial.Level.RESTORED and t.ok]
        return super().get_context_data(**kwargs) | {
            "title": plan.name,
            "plan": plan,
            "view": view,
            "why": hazards.why(view),
            "trials": trials,
            "copies": plan.copies.filter(gone_at=None)[:40],
            "drill": drill,
            "pace": _pace(drills) if len(drills) > 1 else None,
            "can_change": may(self.actor, "backups.plan:change"),
            "can_prove": may(self.actor, "backups.plan:prove"),
        }


def _pace(drills: list[Trial]) -> dict[str, Any]:
    """How long restoring took, drill by drill: what an outage would cost."""
    days = [f"{timezone.localtime(t.ended_at):%m-%d %H:%M}" for t in drills]
    return {
        "grid": {"left": 44, "right": 16, "top": 16, "bottom": 26},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": days},
        "yAxis": {"type": "value", "name": "秒", "min": 0},
        "series": [
            {"type": "line", "name": "恢复用时（秒）", "data": [t.facts.get("restore_seconds") for t in drills]}
        ],
    }


class EditPlan(FormPage):
    """Without a code: a new plan."""

    permission = "backups.plan:change"
    form_class = PlanForm

    def plan(self) -> Plan | None:
        code = self.kwargs.get("code")
        return get_object_or_404(Plan.objects.restrict(self.actor, "backups.plan:view"), code=code) if code else None

    def get_title(self) -> str:
        return "修改备份计划" if self.kwargs.get("code") else "新建备份计划"

    def get_form(self, data: Any = None, files: Any = None) -> PlanForm:
        form = super().get_form(data, files)
        assert isinstance(form, PlanForm)
        if self.kwargs.get("code"):
            form.fields["code"].disabled = True
        return form

    def get_initial(self) -> dict[str, Any]:
        plan = self.plan()
        if plan is None:
            return {
                "maker": "xingwei", "at": "02:00", "weekdays": list(range(1, 8)), "late_hours": 6, "keep_days": 7,
                "keep_weeks": 4, "keep_months": 3, "verify_days": 2, "restore_days": 30, "enabled": True,
            }  # fmt: skip
        plain = ("code", "name", "maker", "form", "directory", "pattern", "at", "weekdays", "late_hours", "keep_days",
                 "keep_weeks", "keep_months", "verify_days", "restore_days", "enabled", "note")  # fmt: skip
        return {name: getattr(plan, name) for name in plain} | {
            "system": plan.system.code if plan.system else "",
            "connection": plan.connection.code if plan.connection else "",
            "sentinels": sentinels_text(plan.sentinels),
        }

    def act(self, form: Any) -> HttpResponseBase:
        values = dict(form.cleaned_data)
        plan = services.save_plan(self.actor, values.pop("code"), values)
        return self.done(f"已保存备份计划“{plan.name}”", plan.get_absolute_url())

    def get_back_url(self) -> str:
        code = self.kwargs.get("code")
        return reverse("backups:plan", args=[code]) if code else reverse("backups:plans")


class Prove(Act):
    """POST level=taken|verified|restored."""

    permission = "backups.plan:prove"

    def act(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        plan = get_object_or_404(Plan.objects.restrict(self.actor, "backups.plan:view"), code=kwargs["code"])
        level = request.POST.get("level", "")
        if level not in Trial.Level.values:
            raise services.BackupRefused("不认识的动作，请刷新页面再试。")
        trial = services.begin(self.actor, plan, level)
        succeed(request, f"已开始{trial.get_level_display()}，完成后这里会更新")
        return HttpResponseRedirect(plan.get_absolute_url())


class Live(Page):
    """The running trial, loaded again while it runs."""

    permission = "backups.plan:view"
    template_name = "backups/parts/running.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        plan = get_object_or_404(Plan.objects.restrict(self.actor, "backups.plan:view"), code=self.kwargs["code"])
        return super().get_context_data(**kwargs) | {"view": queries.view(plan)}
