"""Breakers: the list, one breaker's page, cutting, lifting, thresholds, and the catch-up list."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.ui.export import export_response
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import Act, FormPage

from ..engine.episodes import Episode
from ..forms.breakers import ThresholdForm
from ..models import Channel, Drill, PlanVersion
from ..queries import breakers as queries
from ..queries.plans import MODES
from ..services import breakers as services
from . import breaker_parts as parts
from .common import GatewayPage
from .rights import may_on

SHOWN = 500


def channel_of(view: Any, permission: str = "gateway.breaker:view") -> Channel:
    """The way out of the address, if the actor may see it; 404 otherwise."""
    rows = Channel.objects.restrict(view.actor, permission).select_related("system", "interface", "breaker_now", "plan")
    found: Channel = get_object_or_404(rows, code=view.kwargs["code"], direction=Channel.Direction.OUT)
    return found


class Breakers(GatewayPage):
    """All breakers, the abnormal ones first."""

    tab = "breakers"
    permission = "gateway.breaker:view"
    template_name = "gateway/breaker/list.html"
    title = "熔断"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        channels = queries.breakers(Channel.objects.restrict(self.actor, self.permission))
        approved = {
            v.plan.channel_id: v
            for v in PlanVersion.objects.filter(state=PlanVersion.State.APPROVED).select_related("plan")
        }
        due = {d.channel_id: d for d in Drill.objects.filter(state=Drill.State.PLANNED).order_by("-planned_for")}
        rows = [
            {
                "channel": c, "look": parts.LOOKS[queries.state_of(c)], "version": approved.get(c.pk),
                "sentence": approved[c.pk].document["sentence"] if c.pk in approved else "",
                "row": getattr(c, "breaker_now", None), "gauge": gauge_of(c), "drill": due.get(c.pk),
                "limits": services.thresholds_of(c),
            }
            for c in channels
        ]  # fmt: skip
        trouble = [c for c in channels if queries.state_of(c) != "closed"]
        bare = [r for r in rows if r["version"] is None]
        return super().get_context_data(**kwargs) | {"rows": rows, "trouble": trouble, "bare": bare}


def gauge_of(channel: Channel) -> dict[str, Any]:
    gauge = getattr(channel, "gauge", None)
    return dict(gauge.values) if gauge else {}


class BreakerPage(GatewayPage):
    """One breaker (mock-up 12). `?part=live` is the part that renews itself."""

    tab = "breakers"
    permission = "gateway.breaker:view"
    template_name = "gateway/breaker/page.html"

    def get_template_names(self) -> list[str]:
        return ["gateway/breaker/live.html"] if self.request.GET.get("part") == "live" else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        channel = channel_of(self)
        self.title = f"{channel.name} · 熔断"  # type: ignore[misc]
        context = super().get_context_data(**kwargs) | parts.context(channel)
        may_cut = may_on(self.actor, "gateway.breaker:cut", channel)
        return context | {
            "may_cut": may_cut,
            "may_change": may_on(self.actor, "gateway.breaker:change", channel),
            "may_drill": may_on(self.actor, "gateway.plan:drill", channel),
            "cut_word": services.word_of("切断", channel),
            "lift_word": services.word_of("恢复", channel),
            "durations": durations(context["now"]) if may_cut else [],
            "told": told(context["version"]),
            "drill_running": Drill.objects.filter(channel=channel, state=Drill.State.RUNNING).first(),
        }


def durations(now: dt.datetime) -> list[tuple[str, str]]:
    """How long a cut may last: value and words; a round time of day half an hour to an hour ahead is among them."""
    local = timezone.localtime(now)
    round_time = (local + dt.timedelta(minutes=60)).replace(
        minute=30 if local.minute < 30 else 0, second=0, microsecond=0
    )
    return [
        ("15", "15 分"), ("30", "30 分"), ("60", "1 时"),
        (round_time.isoformat(), f"到 {round_time:%H:%M}"), ("", "直到人工恢复"),
    ]  # fmt: skip


def told(version: PlanVersion | None) -> str:
    """Who is told at once, in words."""
    from ..queries.plans import people_of

    people = people_of(version.document) if version else []
    names = "、".join(str(p) for p in people[:4])
    return f"{names}{f' 等 {len(people)} 人' if len(people) > 4 else ''}" if people else ""


def until_of(value: str, now: dt.datetime) -> dt.datetime | None:
    """The end that was picked; None for until somebody lifts it. Raises BreakerRefused."""
    if not value:
        return None
    if value.isdigit() and len(value) <= 5:
        return now + dt.timedelta(minutes=int(value))
    try:
        at = dt.datetime.fromisoformat(value)
    except ValueError:
        raise services.BreakerRefused("请选切断多久。") from None
    return at if at.tzinfo else timezone.make_aware(at)


class Cut(Act):
    permission = "gateway.breaker:cut"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        channel = channel_of(self, self.permission)
        if "until" not in request.POST:
            raise services.BreakerRefused("请选切断多久。")
        services.cut(
            self.actor, channel, until=until_of(request.POST["until"], timezone.now()),
            reason=request.POST.get("reason", ""), confirmed=request.POST.get("confirmed", ""),
        )  # fmt: skip
        return f"已切断“{channel}”，业务走熔断方案"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:breaker", args=[self.kwargs["code"]])


class Lift(Cut):
    permission = "gateway.breaker:cut"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        channel = channel_of(self, self.permission)
        fully = request.POST.get("how") == "fully"
        services.lift(
            self.actor, channel, reason=request.POST.get("reason", ""), confirmed=request.POST.get("confirmed", ""),
            fully=fully,
        )  # fmt: skip
        return f"“{channel}”{'已全部放开' if fully else '开始试探恢复'}"


class Thresholds(FormPage):
    """Other thresholds, with the reason; the earlier ones below."""

    permission = "gateway.breaker:change"
    template_name = "gateway/breaker/thresholds.html"
    form_class = ThresholdForm
    lead = "改后立即生效，正在进行的调用按旧参数做完。"

    def get_title(self) -> str:
        return f"熔断参数 · {self.channel.name}"

    @property
    def channel(self) -> Channel:
        if not hasattr(self, "_channel"):
            self._channel = channel_of(self, self.permission)
        return self._channel

    def get_initial(self) -> dict[str, Any]:
        return ThresholdForm.initial_of(self.channel)

    def act(self, form: ThresholdForm) -> HttpResponseBase:
        data = form.cleaned_data
        services.change_thresholds(
            self.actor, self.channel, form.document(), budget_s=data.get("budget_s"), reason=data["reason"],
            version=data["version"],
        )  # fmt: skip
        return self.done("熔断参数已保存，立即生效", self.get_back_url())

    def get_back_url(self) -> str:
        return reverse("gateway:breaker", args=[self.channel.code])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = [
            {"row": v, "facts": parts.parameters(Channel(call=v.call), {**services.DEFAULTS, **v.document})}
            for v in self.channel.thresholds.order_by("-number")[:20]
        ]
        return super().get_context_data(**kwargs) | {"versions": versions, "channel": self.channel}


def _worth(row: queries.CaughtUp) -> str:
    return "不明" if row.amount_unknown else f"{row.amount:.2f}" if row.amount is not None else ""


class _CatchUpTable(Table):
    columns = (
        Column("number", "消息", kind="id"),
        Column("received_at", "接收时间", kind="time"),
        Column("type", "报文"),
        Column("reference", "业务号", label_on_phone=True),
        Column("peer", "发起", drop=True),
        Column("label", "现状"),
        Column("done_at", "完成时间", kind="time", label_on_phone=True),
        Column("settled_by", "如何确定", drop=True),
        Column("code", "代码", drop=True),
        Column("amount", "金额（元）", value=_worth, kind="num", label_on_phone=True),
        Column(
            "reconcile",
            "要对账",
            value=lambda r: "要" if r.must_reconcile and not r.made_good else "",
            label_on_phone=True,
        ),
    )

    @staticmethod
    def url(row: Any) -> str:
        return ""


class CatchUp(GatewayPage):
    """What was meant for the way out while it was not closed, and what became of each; with export."""

    tab = "breakers"
    permission = "gateway.breaker:view"
    template_name = "gateway/breaker/catch_up.html"
    title = "补办与对账清单"

    def episode(self, channel: Channel) -> tuple[Episode | None, list[Episode]]:
        episodes = queries.history(channel)
        wanted = self.request.GET.get("since", "")
        chosen = [e for e in episodes if e.since.isoformat() == wanted.replace(" ", "+")] or episodes
        return (chosen[-1] if chosen else None), episodes

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        kind = request.GET.get("format")
        if kind in {"csv", "xlsx"}:
            channel = channel_of(self)
            episode, _ = self.episode(channel)
            rows = queries.catch_up(channel, episode.since, episode.until) if episode else iter(())
            if request.GET.get("only") == "reconcile":
                rows = (r for r in rows if r.must_reconcile and not r.made_good)
            return export_response(kind, f"{channel.name}补办清单", _CatchUpTable, rows)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        channel = channel_of(self)
        episode, episodes = self.episode(channel)
        only = self.request.GET.get("only") == "reconcile"
        rows: list[queries.CaughtUp] = []
        counted, worth = None, {}
        if episode:
            everything = list(islice(queries.catch_up(channel, episode.since, episode.until), parts.LISTED))
            counted, worth = queries.progress(everything), queries.money(everything)
            rows = [r for r in everything if not only or (r.must_reconcile and not r.made_good)]
        version = PlanVersion.objects.filter(plan__channel=channel, state=PlanVersion.State.APPROVED).first()
        query = self.request.GET.copy()
        query.pop("format", None)
        return super().get_context_data(**kwargs) | {
            "channel": channel, "episode": episode, "episodes": list(reversed(episodes))[:12], "progress": counted,
            "money": worth, "parts": parts.pieces(counted, worth) if counted else [],
            "table": _CatchUpTable(rows[:SHOWN], self.request), "rows": rows[:SHOWN], "more": len(rows) > SHOWN,
            "only": only, "document": version.document if version else None, "modes": MODES,
            "export_urls": {k: f"?{query.urlencode()}&format={k}" for k in ("xlsx", "csv")} if rows else {},
        }  # fmt: skip
