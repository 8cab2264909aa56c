"""Pages of the inspections."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.calendar import queries as calendar
from xingwei.base.policy.registry import may, roles
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, FormPage, ListPage, Page, succeed

from . import checks, forms, queries, report, services
from .engine.occasions import occasions
from .models import Checklist, Inspection, Item, Plan


class InspectionsTable(Table):
    columns = (
        Column("label", "巡检", kind="title"),
        Column("plan", "计划", "plan.name", drop=True),
        Column("due_on", "应完成", "due_on"),
        Column("state", "状态", "get_state_display", cell="inspection/parts/state.html"),
        Column("hazards", "隐患", "hazards", kind="num", label_on_phone=True),
        Column("inspector", "执行人", "inspector", drop=True),
        Column("done_at", "完成时间", "done_at", kind="time", drop=True),
    )


class Inspections(ListPage):
    permission = "inspection.inspection:view"
    template_name = "inspection/inspections.html"
    title = "巡检"
    table = InspectionsTable
    filters = (
        Filter("state", "状态", "state", choices=tuple(Inspection.State.choices)),
        Filter("plan", "计划", "plan__code", choices=lambda _actor: tuple(Plan.objects.values_list("code", "name"))),
    )
    order = ("-due_on", "-pk")
    export_name = "巡检"
    empty = ("还没有巡检", "导入巡检计划后，按日历自动安排：每季度一次，重大节假日前一次。")

    def get_queryset(self) -> Any:
        return queries.with_counts()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "due": [(row, queries.is_late(row)) for row in queries.due(45)],
            "can_change": may(self.actor, "inspection.inspection:change"),
        }


class Arrange(FormPage):
    permission = "inspection.inspection:change"
    form_class = forms.ArrangeForm
    title = "安排一次巡检"
    submit_label = "安排"

    def act(self, form: Any) -> HttpResponseBase:
        row = services.arrange(self.actor, **form.cleaned_data)
        return self.done(f"已安排{row.label}", row.get_absolute_url())

    def get_back_url(self) -> str:
        return reverse("inspection:inspections")


class InspectionPage(Page):
    permission = "inspection.inspection:view"
    template_name = "inspection/inspection.html"

    def inspection(self) -> Inspection:
        found: Inspection = get_object_or_404(
            Inspection.objects.select_related("plan", "inspector"), pk=self.kwargs["pk"]
        )
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        inspection = self.inspection()
        whole = queries.whole(inspection)
        return super().get_context_data(**kwargs) | {
            "title": inspection.label,
            "inspection": inspection,
            "whole": whole,
            "state": queries.STATES[inspection.state],
            "late": queries.is_late(inspection),
            "chart": _chart(whole) if whole.counts.all else None,
            "can_do": may(self.actor, "inspection.inspection:carry_out"),
            "can_change": may(self.actor, "inspection.inspection:change"),
            "finish": forms.FinishForm(),
        }


def _chart(whole: queries.Whole) -> dict[str, Any]:
    """Bars by system: sound, hazard, not looked at."""
    rows = queries.by_system(whole)
    parts = (
        ("正常", "ok", "--xw-ok"), ("隐患", "hazard", "--xw-late"), ("本次不检查", "skipped", "--xw-3"),
        ("未检查", "open", "--xw-line"),
    )  # fmt: skip
    return {
        "grid": {"left": 70, "right": 16, "top": 28, "bottom": 24},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {"type": "value", "minInterval": 1},
        "yAxis": {"type": "category", "data": [system for system, _ in rows], "inverse": True},
        "series": [
            {
                "name": name, "type": "bar", "stack": "all", "itemStyle": {"color": colour},
                "data": [getattr(counts, key) for _, counts in rows],
            }
            for name, key, colour in parts
        ],
    }  # fmt: skip


class _OnInspection(Act, abstract=True):
    permission = "inspection.inspection:carry_out"

    def inspection(self) -> Inspection:
        return get_object_or_404(Inspection, pk=self.kwargs["pk"])

    def get_next(self, request: HttpRequest) -> str:
        return reverse("inspection:inspection", args=[self.kwargs["pk"]])


class Start(_OnInspection):
    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = services.start(self.actor, self.inspection())
        return f"已开始{row.label}，机器正在检查它能查的项目"


class AskMachine(_OnInspection):
    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.ask_machine(self.actor, self.inspection())
        return "机器已开始检查，人工写过的结果不会被改动"


class Cancel(_OnInspection):
    permission = "inspection.inspection:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = services.cancel(self.actor, self.inspection(), request.POST.get("reason", ""))
        return f"已取消{row.label}"


class Finish(FormPage):
    permission = "inspection.inspection:carry_out"
    form_class = forms.FinishForm
    title = "完成巡检并签字"
    submit_label = "完成并签字"
    lead = "每一项都检查过才能完成；还没有登记的隐患会登记到服务台"

    def inspection(self) -> Inspection:
        return get_object_or_404(Inspection, pk=self.kwargs["pk"])

    def act(self, form: Any) -> HttpResponseBase:
        row = services.finish(self.actor, self.inspection(), form.cleaned_data["summary"])
        return self.done(f"已完成{row.label}", row.get_absolute_url())

    def get_back_url(self) -> str:
        return reverse("inspection:inspection", args=[self.kwargs["pk"]])


class ItemPage(FormPage):
    """One item: what was found."""

    permission = "inspection.inspection:carry_out"
    form_class = forms.AnswerForm
    template_name = "inspection/item.html"

    def item(self) -> Item:
        rows = Item.objects.select_related("inspection", "inspection__plan", "system", "case")
        return get_object_or_404(rows, pk=self.kwargs["item"], inspection_id=self.kwargs["pk"])

    def get_title(self) -> str:
        return self.item().title

    def get_initial(self) -> dict[str, Any]:
        item = self.item()
        return {"result": item.result, "value": item.value, "note": item.note}

    def act(self, form: Any) -> HttpResponseBase:
        item = services.answer(self.actor, self.item(), **form.cleaned_data)
        return self.done(f"{item.title}：{item.get_result_display()}", self.get_back_url())

    def get_back_url(self) -> str:
        return reverse("inspection:inspection", args=[self.kwargs["pk"]]) + f"#item-{self.kwargs['item']}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"item": self.item()}


class Hazard(FormPage):
    """The hazard becomes a case, with an owner and a date."""

    permission = "inspection.inspection:carry_out"
    form_class = forms.HazardForm
    title = "登记隐患"
    submit_label = "登记到服务台"
    lead = "登记为隐患单，一直跟到确认消除"

    def act(self, form: Any) -> HttpResponseBase:
        item = get_object_or_404(Item, pk=self.kwargs["item"], inspection_id=self.kwargs["pk"])
        case = services.raise_hazard(self.actor, item, **form.cleaned_data)
        return self.done(f"已登记隐患 {case.number}", self.get_back_url())

    def get_back_url(self) -> str:
        return reverse("inspection:inspection", args=[self.kwargs["pk"]]) + f"#item-{self.kwargs['item']}"


class Report(InspectionPage):
    """PDF, in the hospital's form."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        inspection = self.inspection()
        if inspection.state not in ("open", "done"):
            succeed(request, "这次巡检还没有开始，没有报告")
            return HttpResponseRedirect(inspection.get_absolute_url())
        response = HttpResponse(report.pdf_bytes(queries.whole(inspection)), content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="inspection-{inspection.due_on}.pdf"'
        return response


class Plans(Page):
    """When which checklists are gone through, and the coming days by the calendar."""

    permission = "inspection.plan:view"
    template_name = "inspection/plans.html"
    title = "巡检计划与检查表"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = timezone.localdate()
        lists = {c.code: c for c in Checklist.objects.all()}
        plans = [
            {
                "plan": plan,
                "role": roles().get(plan.role, {}).get("label", plan.role),
                "lists": [lists[code] for code in plan.checklists if code in lists],
                "coming": occasions(plan.rule, calendar.current(), today, today + dt.timedelta(days=400))[:6],
            }
            for plan in Plan.objects.all()
        ]
        kinds = checks.kinds()
        shown = [
            (c, [(i, kinds[i["check"]["kind"]].name if i["how"] == "machine" else "") for i in c.items])
            for c in lists.values()
        ]
        return super().get_context_data(**kwargs) | {"plans": plans, "checklists": shown}
