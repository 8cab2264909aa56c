"""Acts on a breaker: cut by hand, lift, restore early, change its thresholds. The runner obeys the row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Breaker, BreakerEvent, Channel, PlanVersion, ThresholdVersion
from ..queries.plans import approved_version, people_of
from .base import GatewayRefused, announce

State = Breaker.State
LONGEST = dt.timedelta(days=7)
# key → (label, lowest, highest, unit)
THRESHOLDS: dict[str, tuple[str, float, float, str]] = {
    "window_s": ("统计窗口", 5, 3600, "秒"),
    "minimum": ("窗口内至少", 1, 10_000, "次"),
    "failure_rate": ("失败占比达到", 0.01, 1, ""),
    "slow_s": ("超过几秒算慢", 0.05, 120, "秒"),
    "slow_rate": ("慢调用占比达到", 0.01, 1, ""),
    "timeouts": ("连续超时", 1, 1000, "次"),
    "wait_s": ("断开后等待", 1, 3600, "秒"),
    "wait_cap_s": ("等待上限", 1, 86_400, "秒"),
    "probes": ("连续成功才恢复", 1, 1000, "笔"),
}
DEFAULTS: dict[str, float] = {
    "window_s": 60, "minimum": 20, "failure_rate": 0.5, "slow_s": 3, "slow_rate": 0.6, "timeouts": 5, "wait_s": 30,
    "wait_cap_s": 300, "probes": 20,
}  # fmt: skip


class BreakerRefused(GatewayRefused):
    """The breaker is left as it is; the text says why and what to do."""


def word_of(act: str, channel: Channel) -> str:
    """What must be typed to confirm: 切断 医保接口."""
    return f"{act} {channel.name}"


def cut(
    actor: Actor, channel: Channel, *, until: dt.datetime | None, reason: str, confirmed: str, drill: str = ""
) -> Breaker:
    """Cut a way out by hand until a time, or until somebody lifts it. Raises Denied, BreakerRefused.

    confirmed: what was typed; must be word_of("切断", channel). drill: said to the people of the plan instead of an
    alarm.
    """
    reason = _checked(actor, channel, "切断", reason, confirmed)
    now = timezone.now()
    if until is not None and not now < until <= now + LONGEST:
        raise BreakerRefused("切断的结束时间应在今后 7 天之内。更久请选“直到人工恢复”。")
    with transaction.atomic():
        row = _locked(channel)
        if row.state == State.CUT:
            raise BreakerRefused(f"“{channel}”已由 {row.by or '别人'} 切断，请先恢复，或等它到期。")
        ends = f"到 {timezone.localtime(until):%m-%d %H:%M}" if until else "直到人工恢复"
        said = f"人工切断“{channel}”，{ends}：{reason}"
        _change(actor, row, State.CUT, reason, until, "gateway.breaker.cut", said)
        plan = approved_version(channel.pk)
        title = f"{'演练：' if drill else ''}{channel} 已切断，{ends}"
        _tell(actor, channel, plan, title, f"{reason}。窗口看到：{plan.document['sentence'] if plan else '没有方案'}",
              urgent=not drill, key=f"cut:{channel.pk}:{now:%y%m%d%H%M%S}")  # fmt: skip
    return row


def lift(actor: Actor, channel: Channel, *, reason: str, confirmed: str, fully: bool = False) -> Breaker:
    """Let traffic through again: by trial calls (half open), or fully at once. Raises Denied, BreakerRefused."""
    reason = _checked(actor, channel, "恢复", reason, confirmed)
    with transaction.atomic():
        row = _locked(channel)
        if row.state == State.CLOSED:
            raise BreakerRefused(f"“{channel}”没有断开，不用恢复。")
        if row.state == State.HALF_OPEN and not fully:
            raise BreakerRefused(f"“{channel}”已在试探。要立即放开，请选“全部放开”。")
        after = State.CLOSED if fully else State.HALF_OPEN
        said = f"{'全部放开' if fully else '恢复试探'}“{channel}”：{reason}"
        _change(actor, row, after, reason, None, "gateway.breaker.lift", said)
        title = f"{channel} {'已恢复，可直接办理' if fully else '开始试探恢复'}"
        _tell(actor, channel, approved_version(channel.pk), title, reason, urgent=False,
              key=f"lift:{channel.pk}:{timezone.now():%y%m%d%H%M%S}")  # fmt: skip
    return row


def change_thresholds(
    actor: Actor, channel: Channel, document: Mapping[str, Any], *, budget_s: float | None, reason: str, version: int
) -> Channel:
    """Other thresholds from now on; the old ones stay readable. Raises Denied, BreakerRefused.

    version: the channel's version that the person saw.
    """
    if not reason.strip():
        raise BreakerRefused("请写明为什么改阈值。")
    clean = _clean(document)
    with transaction.atomic():
        row: Channel = Channel.objects.select_for_update(of=("self",)).select_related("system").get(pk=channel.pk)
        require(actor, "gateway.breaker:change", row)
        if row.version != version:
            raise BreakerRefused("您打开后，别人改过这个通道的参数。请刷新后核对再改。")
        call = dict(row.call)
        if budget_s is not None:
            if not 0.1 <= budget_s <= 120:
                raise BreakerRefused("单笔期限应在 0.1 到 120 秒之间。")
            call["budget_s"] = budget_s
        before = {"breaker": row.breaker, "call": row.call}
        if not row.thresholds.exists():
            ThresholdVersion.objects.create(
                channel=row,
                number=1,
                document=row.breaker or DEFAULTS,
                call=row.call,
                reason="原有参数",
                author_name="系统",
            )
        row.breaker, row.call, row.version = clean, call, row.version + 1
        row.save(update_fields=["breaker", "call", "version", "updated_at"])
        number = row.thresholds.order_by("-number").values_list("number", flat=True)[0] + 1
        ThresholdVersion.objects.create(
            channel=row, number=number, document=clean, call=call, reason=reason.strip()[:300],
            author_name=actor.name[:40],
        )  # fmt: skip
        record(
            actor, "gateway.breaker.thresholds", row, f"改“{row}”的熔断参数：{reason.strip()}",
            before=before, after={"breaker": clean, "call": call},
        )  # fmt: skip
        announce("configuration", [row.pk])
    return row


def thresholds_of(channel: Channel) -> dict[str, float]:
    """The thresholds that hold, defaults included."""
    return {**DEFAULTS, **{k: v for k, v in channel.breaker.items() if k in DEFAULTS}}


def _clean(document: Mapping[str, Any]) -> dict[str, float]:
    clean: dict[str, float] = {}
    for key, (label, low, high, unit) in THRESHOLDS.items():
        try:
            value = float(document[key])
        except (KeyError, TypeError, ValueError):
            raise BreakerRefused(f"{label}：请填数字。") from None
        if not low <= value <= high:
            raise BreakerRefused(f"{label}：应在 {low:g} 到 {high:g} {unit}之间。".replace(" 之间", "之间"))
        clean[key] = int(value) if value == int(value) and key not in {"failure_rate", "slow_rate"} else value
    if clean["wait_cap_s"] < clean["wait_s"]:
        raise BreakerRefused("等待上限不能小于断开后等待。")
    return clean


def _checked(actor: Actor, channel: Channel, act: str, reason: str, confirmed: str) -> str:
    require(actor, "gateway.breaker:cut", channel)
    if channel.direction != Channel.Direction.OUT:
        raise BreakerRefused(f"“{channel}”是接入通道，没有熔断。")
    if not reason.strip():
        raise BreakerRefused("请写明原因：它会记入审计，并告知方案里的人。")
    wanted = word_of(act, channel)
    if " ".join(confirmed.split()) != " ".join(wanted.split()):
        raise BreakerRefused(f"请原样输入“{wanted}”以确认。")
    return " ".join(reason.split())[:300]


def _locked(channel: Channel) -> Breaker:
    Breaker.objects.get_or_create(channel=channel, defaults={"since": timezone.now()})
    row: Breaker = Breaker.objects.select_for_update(of=("self",)).get(pk=channel.pk)
    return row


def _change(
    actor: Actor, row: Breaker, after: str, reason: str, until: dt.datetime | None, act: str, said: str
) -> None:
    before, now = row.state, timezone.now()
    row.state, row.since, row.until, row.reason, row.by = after, now, until, reason, actor.name[:40]
    row.save()
    BreakerEvent.objects.create(
        channel_id=row.pk, at=now, before=before, after=after, reason=reason, by=actor.name[:40], window=row.window
    )
    record(actor, act, row.channel, said, before={"state": before}, after={"state": after, "until": until})
    announce("breaker", [row.pk])


def _tell(
    actor: Actor, channel: Channel, plan: PlanVersion | None, title: str, text: str, *, urgent: bool, key: str
) -> None:
    people = people_of(plan.document) if plan else []
    url = f"/gateway/breakers/{channel.code}/"
    notify.tell(actor, people, kind="gateway.breaker", title=title, text=text[:300], url=url, urgent=urgent, key=key)
    notify.broadcast(actor, topic="gateway.breaker", title=title, text=text[:300], url=url, key=key)
