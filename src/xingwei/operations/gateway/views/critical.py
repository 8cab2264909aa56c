"""危急值闭环: what a ward has to do now, one value with its loop, and its acts (7.3)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act
from xingwei.base.ui.words import duration

from ..models import CriticalRule, CriticalValue
from ..services import critical as services
from .common import GatewayList, GatewayPage
from .rights import may_on

STEPS = {"nurse": "护士接收", "doctor": "医生处理", "done": "已闭环", "withdrawn": "已撤销"}


class _Table(Table):
    columns = (
        Column("item", "项目", kind="title"),
        Column("value", "结果", value=lambda r: f"{r.value}\u00a0{r.unit}".strip(), kind="num"),
        Column("why", "依据", drop=True),
        Column("ward", "病区", value=lambda r: r.department.name if r.department else r.ward),
        Column("bed", "床号", label_on_phone=True),
        Column("reported_at", "报告时间", kind="time"),
        Column("clock", "闭环", value=lambda r: clock_words(r)["text"], cell="gateway/critical/clock.html"),
        Column("received_at", "护士接收", kind="time", label_on_phone=True),
        Column("handled_at", "医生处理", kind="time", label_on_phone=True),
    )


def clock_words(row: CriticalValue) -> dict[str, str]:
    """State and words of the loop: what is next and how long there is."""
    found, now = services.clock_of(row), timezone.now()
    if found.step == "withdrawn":
        return {"state": "unknown", "text": "已撤销"}
    if found.step == "done":
        late = [w for w, is_late in (("接收", found.nurse_late), ("处理", found.doctor_late)) if is_late]
        return {"state": "warn" if late else "ok", "text": f"已闭环，{'、'.join(late)}超时" if late else "按时闭环"}
    assert found.due_at is not None
    left = duration(found.due_at - now)
    text = f"{STEPS[found.step]} {'超 ' if found.tone == 'late' else '还有 '}{left}"
    return {"state": {"soon": "warn", "late": "late"}.get(found.tone, "doing"), "text": text}


class Critical(GatewayList):
    """The loop of one's own department, or of the house; what is open and oldest stands first."""

    tab = "critical"
    permission = "gateway.critical:view"
    template_name = "gateway/critical/list.html"
    title = "危急值闭环"
    table = _Table
    export_name = "危急值闭环"
    empty = ("没有危急值", "检验结果达到危急值界限，会自动出现在这里，并提醒所在科室。")
    filters = (
        Filter("state", "状态", "state", icon="progress", choices=CriticalValue.State.choices),
        Filter("since", "报告日期自", "reported_at__date__gte", icon="calendar", kind="date"),
    )
    order = ("-reported_at", "-pk")

    def get_queryset(self) -> Any:
        return CriticalValue.objects.restrict(self.actor, self.permission).select_related("department")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = CriticalValue.objects.restrict(self.actor, self.permission)
        open_ = (
            mine.filter(state__in=["reported", "received"]).select_related("department").order_by("reported_at")[:50]
        )
        rows = [{"row": r, "clock": clock_words(r)} for r in open_]
        late = sum(r["clock"]["state"] == "late" for r in rows)
        return super().get_context_data(**kwargs) | {
            "open": rows, "late": late, "rules": CriticalRule.objects.filter(active=True).count(),
            "may_act": may(self.actor, "gateway.critical:act"),
        }  # fmt: skip


class CriticalPage(GatewayPage):
    """One value: what came, who did what when, and the acts."""

    tab = "critical"
    permission = "gateway.critical:view"
    template_name = "gateway/critical/page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = _value(self)
        self.title = f"{row.item} 危急值"  # type: ignore[misc]
        found = services.clock_of(row)
        return super().get_context_data(**kwargs) | {
            "row": row, "clock": clock_words(row), "step": found.step, "nurse_late": found.nurse_late,
            "doctor_late": found.doctor_late, "patient": may_on(self.actor, "gateway.critical_patient:view", row),
            "may_act": may_on(self.actor, "gateway.critical:act", row),
            "may_withdraw": may_on(self.actor, "gateway.critical:withdraw", row),
        }  # fmt: skip


def _value(view: Any) -> CriticalValue:
    rows = CriticalValue.objects.restrict(view.actor, "gateway.critical:view").select_related("department")
    found: CriticalValue = get_object_or_404(rows, pk=view.kwargs["pk"])
    return found


class CriticalAct(Act):
    """Receive, handle or withdraw."""

    permission = "gateway.critical:view"  # each service asks for its own right

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row, what, posted = _value(self), kwargs["what"], request.POST
        if what == "receive":
            services.receive(self.actor, row, doctor=posted.get("doctor", ""))
            return "已接收，请确认医生已知道"
        if what == "handle":
            services.handle(self.actor, row, handling=posted.get("handling", ""), doctor=posted.get("doctor", ""))
            return "已登记处理，闭环完成"
        if what == "withdraw":
            services.withdraw(self.actor, row, posted.get("why", ""))
            return "已撤销"
        raise services.CriticalRefused("没有这个操作。")

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:critical-value", args=[self.kwargs["pk"]])
