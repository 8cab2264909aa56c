"""The log of the service number: what was missed, who must still be rung back (scorecard item 5, clause 9.6)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts import queries as accounts
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, ListPage, ServiceRefused, succeed

from ..forms.fields import Line, LocalTime, half_width
from ..models import CallLog
from ..services import intake


class MissedForm(forms.Form):
    caller = Line("来电号码", limit=40)
    at = LocalTime("来电时间", required=False, help_text="不填就是现在")

    def clean_caller(self) -> str:
        return str(half_width(self.cleaned_data["caller"]))

    def clean_at(self) -> Any:
        at = self.cleaned_data["at"]
        if at and at > timezone.now():
            raise forms.ValidationError("来电时间在将来，请核对。")
        return at


class CallTable(Table):
    caption = "来电记录"
    columns = (
        Column("at", "时间", kind="time"),
        Column("caller", "号码", kind="id"),
        Column("who", "来电人", value="caller_name"),
        Column("missed", "接听", value=lambda c: "未接" if c.missed else "已接", cell="desk/parts/call_state.html"),
        Column("answered_by", "接听人", value=lambda c: str(c.answered_by or ""), drop=True),
        Column("case", "问题单", value=lambda c: c.case.number if c.case else "", cell="desk/parts/call_case.html"),
        Column("called_back_at", "回电", kind="time", label_on_phone=True),
        Column("note", "备注", drop=True),
        Column("act", "", value=lambda c: "", cell="desk/parts/call_act.html"),
    )

    @staticmethod
    def url(row: Any) -> str:
        return ""


class Calls(ListPage):
    """Missed calls that nobody has rung back yet come first."""

    permission = "desk.call:view"
    template_name = "desk/calls.html"
    title = "来电记录"
    table = CallTable
    export_name = "来电记录"
    order = ("-at", "-id")
    empty = ("还没有来电记录", "未接的来电登记在这里，回过电话点“已回电”。考核表第 5 行数未接的次数。")
    filters = (
        Filter("missed", "未接", "missed", "phone-x", kind="bool"),
        Filter(
            "waiting", "待回电", lambda values, actor: Q(missed=True, called_back_at=None), "phone-call", kind="bool"
        ),
    )

    def get_queryset(self) -> models.QuerySet[CallLog]:
        return CallLog.objects.select_related("case", "answered_by")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        month = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        waiting = CallLog.objects.filter(missed=True, called_back_at=None).order_by("at")
        return super().get_context_data(**kwargs) | {
            "form": kwargs.get("form") or MissedForm(),
            "waiting": list(waiting[:20]),
            "missed_this_month": CallLog.objects.filter(missed=True, at__gte=month).count(),
            "may_log": may(self.actor, "desk.call:create"),
        }


class LogMissed(Calls):
    """Somebody rang and nobody answered."""

    permission = "desk.call:create"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponseRedirect(reverse("desk:calls"))

    def post(self, request: HttpRequest, **kwargs: Any) -> Any:
        form = MissedForm(request.POST)
        if form.is_valid():
            number, at = form.cleaned_data["caller"], form.cleaned_data["at"]
            people = accounts.find_people(number, limit=2)
            name = people[0].name if len(people) == 1 else ""
            try:
                intake.log_call(self.actor, number, missed=True, at=at, caller_name=name)
            except ServiceRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                succeed(request, f"已登记未接来电 {number}，请尽快回电")
                return HttpResponseRedirect(reverse("desk:calls"))
        return self.render_to_response(self.get_context_data(form=form), status=422)


class CalledBack(Act):
    """A missed caller was rung back."""

    permission = "desk.call:create"

    def act(self, request: HttpRequest, pk: int = 0, **kwargs: Any) -> str:
        call = CallLog.objects.filter(pk=pk).first()
        if call is None:
            raise ServiceRefused("没有这条来电记录。")
        intake.call_back(self.actor, call, request.POST.get("note", ""))
        return f"已回电 {call.caller}"
