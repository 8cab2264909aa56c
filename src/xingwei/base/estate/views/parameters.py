"""The parameter dictionary: search, one parameter with its history, setting a value."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q
from django.http import Http404, HttpResponseBase
from django.urls import reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Filter
from xingwei.base.ui.views import FormPage, ListPage, Page

from .. import forms, queries, services
from ..tables import ParameterSheet, ParameterTable
from .exports import TwoTables
from .systems import system_choices


def _matching(values: list[str], actor: Actor) -> Q:
    return queries.matching_parameters(values[0][:60])


def _changed(values: list[str], actor: Actor) -> Q:
    return ~Q(current=F("default")) if values[0] == "1" else Q(current=F("default"))


class Parameters(TwoTables, ListPage):
    permission = "estate.parameter:view"
    template_name = "estate/parameters.html"
    title = "系统参数字典"
    table = ParameterTable
    sheet = ParameterSheet
    order = ("system__order", "code", "pk")
    export_name = "参数字典"
    empty = ("还没有参数", "逐条登记，或从 Excel 导入。")
    filters = (
        Filter("system", "系统", "system__code", icon="server-2", choices=system_choices),
        Filter("q", "含义或名称", _matching, icon="search", kind="text"),
        Filter("changed", "改过默认值", _changed, icon="adjustments", kind="bool"),
        Filter("active", "在用", "active", icon="power", kind="bool"),
    )

    def get_queryset(self) -> Any:
        return queries.parameters().restrict(self.actor, "estate.parameter:view")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "can_change": may(self.actor, "estate.parameter:change"),
            "q": self.request.GET.get("q", ""),
            "kept": [
                (k, v)
                for k in self.request.GET
                if k in {"system", "changed", "active"}
                for v in self.request.GET.getlist(k)
            ],
        }


def parameter_or_404(actor: Actor, system: str, code: str) -> Any:
    rows = queries.parameters().restrict(actor, "estate.parameter:view")
    found = rows.filter(system__code=system, code=code).first()
    if found is None:
        raise Http404("没有这个参数")
    return found


class ParameterPage(Page):
    permission = "estate.parameter:view"
    template_name = "estate/parameter.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = parameter_or_404(self.actor, kwargs["system"], kwargs["code"])
        return super().get_context_data(**kwargs) | {
            "title": row.name,
            "row": row,
            "history": row.history.select_related("changed_by"),
            "can_change": may(self.actor, "estate.parameter:change"),
            "can_set": may(self.actor, "estate.parameter_value:set") and row.active,
        }


class SetValue(FormPage):
    """Record that the parameter was set in the system itself."""

    permission = "estate.parameter_value:set"
    form_class = forms.ValueForm
    submit_label = "登记现值"
    lead = "在业务系统里改好以后登记；杏维不改业务系统的参数"

    def get_row(self) -> Any:
        return parameter_or_404(self.actor, self.kwargs["system"], self.kwargs["code"])

    def get_title(self) -> str:
        return f"登记现值：{self.get_row().name}"

    def get_initial(self) -> dict[str, Any]:
        row = self.get_row()
        return {"value": row.current, "seen": row.current}

    def get_back_url(self) -> str:
        return reverse("estate:parameter", args=[self.kwargs["system"], self.kwargs["code"]])

    def act(self, form: Any) -> HttpResponseBase:
        values = form.cleaned_data
        services.set_parameter_value(self.actor, self.get_row(), values["value"], values["reason"], seen=values["seen"])
        return self.done("已登记，历史里多了一条", self.get_back_url())
