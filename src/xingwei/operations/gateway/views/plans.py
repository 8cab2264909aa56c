"""Degradation plans: which there are, what they say, how they come into force; drills."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, FormPage

from ..forms.breakers import DrillForm, FinishDrillForm
from ..forms.plans import PlanForm
from ..models import Channel, Drill, Plan, PlanVersion
from ..queries import plans as queries
from ..services import drills, plans
from ..services.breakers import word_of
from .breaker_parts import costs
from .breakers import channel_of
from .common import GatewayList, GatewayPage
from .rights import may_on


class Plans(GatewayPage):
    """Every way out and whether it has a plan in force; what waits for approval stands first."""

    tab = "breakers"
    permission = "gateway.plan:view"
    template_name = "gateway/plan/list.html"
    title = "熔断方案"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        channels = Channel.objects.restrict(self.actor, self.permission).filter(direction=Channel.Direction.OUT)
        rows = []
        for channel in channels.select_related("plan", "system").prefetch_related("plan__versions__approvals"):
            plan = getattr(channel, "plan", None)
            versions = sorted(plan.versions.all(), key=lambda v: -v.number) if plan else []
            approved = next((v for v in versions if v.state == "approved"), None)
            waiting = next((v for v in versions if v.state == "proposed"), None)
            rows.append({"channel": channel, "plan": plan, "approved": approved, "waiting": waiting})
        rows.sort(key=lambda r: (r["waiting"] is None, r["approved"] is not None, r["channel"].code))
        return super().get_context_data(**kwargs) | {
            "rows": rows, "bare": sum(r["approved"] is None for r in rows),
            "waiting": sum(r["waiting"] is not None for r in rows),
        }  # fmt: skip


class PlanPage(GatewayPage):
    """One plan: what is in force, what waits, all versions with who approved them."""

    tab = "breakers"
    permission = "gateway.plan:view"
    template_name = "gateway/plan/page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = queries.plan_of(self.kwargs["code"])
        plan: Plan = get_object_or_404(
            rows & Plan.objects.restrict(self.actor, self.permission), code=self.kwargs["code"]
        )
        self.title = f"{plan.code} {plan.name}"  # type: ignore[misc]
        versions = list(plan.versions.all())
        approved = next((v for v in versions if v.state == "approved"), None)
        shown = versions[0]
        wanted = self.request.GET.get("version", "")
        if wanted.isdecimal() and len(wanted) < 9:
            shown = next((v for v in versions if v.number == int(wanted)), shown)
        elif approved is not None and versions[0].state in {"draft", "refused"}:
            shown = approved
        return super().get_context_data(**kwargs) | {
            "plan": plan, "versions": versions, "approved": approved, "shown": shown, "document": shown.document,
            "costs": costs(shown), "modes": queries.MODES, "people": queries.people_of(shown.document),
            "may_change": may_on(self.actor, "gateway.plan:change", plan),
            "may_approve": may_approve(self.actor, shown),
            "side": plans.side_of(self.actor), "drills": plan.channel.drills.order_by("-planned_for")[:5],
        }  # fmt: skip


def may_approve(actor: Actor, version: PlanVersion) -> bool:
    if version.state != "proposed" or actor.id == version.author_id:
        return False
    if not may_on(actor, "gateway.plan:approve", version.plan):
        return False
    return all(a.side != plans.side_of(actor) for a in version.approvals.all())


class EditPlan(FormPage):
    """A new version, from the newest one; saved as a draft or proposed at once."""

    permission = "gateway.plan:change"
    template_name = "gateway/plan/edit.html"
    form_class = PlanForm
    submit_label = "保存并提交批准"
    lead = "由另外两位批准后生效：信息科或服务商一位，业务科室（如医保办）一位。起草人不能批准。"

    @property
    def channel(self) -> Channel:
        if not hasattr(self, "_channel"):
            self._channel = channel_of(self, self.permission)
        return self._channel

    def get_title(self) -> str:
        return f"熔断方案 · {self.channel.name}"

    def newest(self) -> PlanVersion | None:
        rows = PlanVersion.objects.filter(plan__channel=self.channel).select_related("plan")
        found: PlanVersion | None = rows.order_by("-number").first()
        return found

    def get_initial(self) -> dict[str, Any]:
        last = self.newest()
        return PlanForm.initial_of(last.document if last else {}, last.plan.name if last else self.channel.name)

    def act(self, form: PlanForm) -> HttpResponseBase:
        data = form.cleaned_data
        version = plans.draft(self.actor, self.channel, form.document(), note=data["note"], name=data["name"])
        if "draft" in self.request.POST:
            return self.done(f"已存为{version}（草稿）", version.plan.get_absolute_url())
        plans.propose(self.actor, version)
        return self.done(f"已提交{version}，待双方批准", version.plan.get_absolute_url())

    def get_back_url(self) -> str:
        last = self.newest()
        return last.plan.get_absolute_url() if last else reverse("gateway:breaker", args=[self.channel.code])


class PlanAct(Act):
    """Propose, approve or refuse a version."""

    permission = "gateway.plan:view"  # each service asks for its own right

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        rows = PlanVersion.objects.select_related("plan__channel__system")
        version: PlanVersion = get_object_or_404(rows, plan__code=kwargs["code"], number=kwargs["number"])
        what = kwargs["what"]
        note = request.POST.get("note", "")
        if what == "propose":
            return f"已提交{plans.propose(self.actor, version)}，待双方批准"
        if what == "approve":
            done = plans.approve(self.actor, version, note)
            return f"已批准{done}{'，现已生效' if done.state == 'approved' else '，还差另一方批准'}"
        if what == "refuse":
            return f"已退回{plans.refuse(self.actor, version, note)}"
        raise plans.PlanRefused("没有这个操作。")

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:plan", args=[self.kwargs["code"]])


def _channels(actor: Actor) -> list[tuple[str, str]]:
    rows = Channel.objects.restrict(actor, "gateway.plan:view").filter(direction=Channel.Direction.OUT)
    return [(c.code, c.name) for c in rows]


class _DrillTable(Table):
    columns = (
        Column("planned_for", "计划时间", kind="time"),
        Column("channel", "接口", value="channel.name", kind="title"),
        Column("scenario", "演练内容", drop=True),
        Column("state", "状态", value="get_state_display", cell="gateway/drill/state.html"),
        Column("participants", "参加人员", drop=True),
        Column("ratio", "主流程 p99", value=lambda d: f"{d.measured['ratio']:g} 倍" if d.measured.get("ratio") else ""),
        Column("findings", "发现的问题", drop=True),
        Column("next_due", "下次", value=lambda d: f"{d.next_due:%Y-%m-%d}" if d.next_due else "", label_on_phone=True),
    )


class Drills(GatewayList):
    """The calendar of drills; what is due first, then what was done."""

    tab = "breakers"
    permission = "gateway.plan:view"
    template_name = "gateway/drill/list.html"
    title = "熔断演练"
    table = _DrillTable
    order = ("-planned_for", "-pk")
    export_name = "熔断演练"
    empty = ("还没有安排演练", "方案写得再好，没有演练过也不算数。批准方案之后，从接口的熔断页安排一次演练。")
    filters = (
        Filter("channel", "接口", "channel__code", icon="plug-connected", choices=_channels),
        Filter("state", "状态", "state", icon="progress", choices=Drill.State.choices),
    )

    def get_queryset(self) -> Any:
        return Drill.objects.restrict(self.actor, self.permission).select_related("channel__system")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = timezone.localdate()
        done = Drill.objects.restrict(self.actor, self.permission).filter(state=Drill.State.DONE)
        last = {d.channel_id: d for d in done.select_related("channel").order_by("planned_for")}
        overdue = [d for d in last.values() if d.next_due and d.next_due < today]
        never = Plan.objects.restrict(self.actor, self.permission).filter(versions__state="approved")
        return super().get_context_data(**kwargs) | {
            "overdue": overdue, "never": list(never.exclude(channel_id__in=last).select_related("channel")[:20]),
            "may_drill": may(self.actor, "gateway.plan:drill"),
        }  # fmt: skip


class NewDrill(FormPage):
    permission = "gateway.plan:drill"
    form_class = DrillForm
    submit_label = "安排演练"
    lead = "方案里的人会收到通知。"

    @property
    def channel(self) -> Channel:
        if not hasattr(self, "_channel"):
            self._channel = channel_of(self, self.permission)
        return self._channel

    def get_title(self) -> str:
        return f"安排演练 · {self.channel.name}"

    def get_initial(self) -> dict[str, Any]:
        soon = timezone.localtime() + dt.timedelta(days=7)
        return {"planned_for": soon.replace(hour=12, minute=30, second=0, microsecond=0), "cut": True, "minutes": 15}

    def act(self, form: DrillForm) -> HttpResponseBase:
        drill = drills.plan_drill(self.actor, self.channel, **form.cleaned_data)
        return self.done("演练已安排，已通知方案里的人", drill.get_absolute_url())

    def get_back_url(self) -> str:
        return reverse("gateway:drills")


class DrillPage(FormPage):
    """One drill; while it runs, the form that ends it."""

    permission = "gateway.plan:view"
    template_name = "gateway/drill/page.html"
    form_class = FinishDrillForm
    submit_label = "结束演练"

    @property
    def drill(self) -> Drill:
        if not hasattr(self, "_drill"):
            rows = Drill.objects.restrict(self.actor, self.permission)
            rows = rows.select_related("channel__system", "plan_version__plan", "lead")
            self._drill: Drill = get_object_or_404(rows, pk=self.kwargs["pk"])
        return self._drill

    def get_title(self) -> str:
        return f"演练 · {self.drill.channel.name}"

    def get_initial(self) -> dict[str, Any]:
        later = timezone.localdate() + dt.timedelta(days=91)
        return {"participants": self.drill.participants, "next_due": later, "result": "passed"}

    def act(self, form: FinishDrillForm) -> HttpResponseBase:
        drills.finish_drill(self.actor, self.drill, **form.cleaned_data)
        return self.done("演练已结束，结果已记下", self.drill.get_absolute_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        may_drill = may_on(self.actor, "gateway.plan:drill", self.drill)
        return super().get_context_data(**kwargs) | {
            "drill": self.drill, "may_drill": may_drill, "cut_word": word_of("切断", self.drill.channel),
            "measured": measured_words(self.drill.measured),
        }  # fmt: skip


def measured_words(measured: dict[str, Any]) -> list[tuple[str, str]]:
    """What was measured, in words; empty for a drill that is not over."""
    if not measured:
        return []

    def ms(key: str) -> str:
        return f"{measured[key]:,.0f} 毫秒" if measured.get(key) is not None else "没有请求"

    return [
        ("主流程 p99", f"{ms('p99_ms')}（平时 {ms('usual_p99_ms')}）"),
        ("与平时之比", f"{measured['ratio']:g} 倍" if measured.get("ratio") else "—"),
        ("最慢一笔", ms("slowest_ms")),
        ("按方案应答", f"{measured.get('degraded', 0)} 笔"),
        ("存储转发", f"{measured.get('stored', 0)} 笔"),
        ("已补办", f"{measured.get('caught_up', 0)} 笔"),
        ("还没补完", f"{measured.get('left', 0)} 笔"),
    ]


class DrillAct(Act):
    """Start or cancel a drill."""

    permission = "gateway.plan:drill"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        rows = Drill.objects.restrict(self.actor, self.permission).select_related("channel__system")
        drill: Drill = get_object_or_404(rows, pk=kwargs["pk"])
        if kwargs["what"] == "start":
            drills.start_drill(self.actor, drill, confirmed=request.POST.get("confirmed", ""))
            return "演练开始"
        if kwargs["what"] == "cancel":
            drills.cancel_drill(self.actor, drill, request.POST.get("why", ""))
            return "演练已取消"
        raise plans.PlanRefused("没有这个操作。")

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:drill", args=[self.kwargs["pk"]])
