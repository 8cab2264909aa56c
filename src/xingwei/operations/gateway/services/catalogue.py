"""The catalogue: systems publish services and events, others use them after approval (clauses 7.3, 7.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import Organisation
from xingwei.base.accounts.queries import people_with_role
from xingwei.base.estate.models import Interface, System
from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Channel, Service, Subscription
from .base import GatewayRefused

State = Subscription.State
_FIELDS = ("code", "name", "kind", "system", "interface", "channel", "types", "protocol", "description", "sample",
           "limits", "owner")  # fmt: skip
_LIVE = (State.REQUESTED, State.APPROVED, State.IN_FORCE)


class CatalogueRefused(GatewayRefused):
    """The catalogue stays as it is; the text says why."""


def save_service(actor: Actor, values: dict[str, Any], service: Service | None = None) -> Service:
    """A new service as a draft, or what it says changed; every change raises its version. Raises CatalogueRefused."""
    with transaction.atomic():
        row = Service.objects.select_for_update(of=("self",)).get(pk=service.pk) if service else Service()
        require(actor, "gateway.service:publish", row if service else None)
        before = snapshot(row, _FIELDS) if service else {}
        for name in _FIELDS:
            if name in values:
                setattr(row, name, values[name])
        if row.owner_id is None and actor.id is not None:
            row.owner_id = actor.id
        try:
            row.full_clean(exclude=["types"])
        except ValidationError as error:
            raise CatalogueRefused("；".join(m for messages in error.message_dict.values() for m in messages)) from None
        old, new = changes(before, snapshot(row, _FIELDS))
        if service and not new:
            return row
        row.version += 1 if service else 0
        row.save()
        act, said = ("change", "修改") if service else ("add", "登记")
        record(actor, f"gateway.service.{act}", row, f"{said}服务“{row}”", before=old, after=new)
        if service and row.state == Service.State.PUBLISHED:
            _tell_users(actor, row, f"服务“{row}”有改动（第 {row.version} 版）", f"v{row.version}")
    return row


def publish(actor: Actor, service: Service) -> Service:
    """Offer it to others. Raises Denied, CatalogueRefused."""
    return _move(actor, service, Service.State.PUBLISHED, "发布")


def retire(actor: Actor, service: Service, why: str) -> Service:
    """Offer it no more; its users are told, and what is in force ends. Raises Denied, CatalogueRefused."""
    if not why.strip():
        raise CatalogueRefused("请写明为什么停用，使用方会看到。")
    with transaction.atomic():
        row = _move(actor, service, Service.State.RETIRED, "停用")
        _tell_users(actor, row, f"服务“{row}”已停用：{why.strip()[:100]}", "retired")
        for subscription in row.subscriptions.filter(state__in=_LIVE):
            _end(actor, subscription, f"服务停用：{why.strip()}")
    return row


def request(
    actor: Actor,
    service: Service,
    *,
    subscriber: System | Organisation,
    purpose: str,
    volume: str = "",
    channel: Channel | None = None,
) -> Subscription:
    """Ask to use a service; its owner is told. Raises Denied, CatalogueRefused."""  # fmt: skip
    require(actor, "gateway.service:subscribe")
    if service.state != Service.State.PUBLISHED:
        raise CatalogueRefused(f"“{service}”没有发布，不能订阅。")
    if len(purpose.strip()) < 4:
        raise CatalogueRefused("请写明用途：谁用、做什么。")
    if isinstance(subscriber, System) and subscriber.pk == service.system_id:
        raise CatalogueRefused("提供方自己不用订阅。")
    if channel is not None and channel.direction != Channel.Direction.OUT:
        raise CatalogueRefused(f"“{channel}”是接入通道，推送要走送出通道。")
    with transaction.atomic():
        Service.objects.select_for_update(of=("self",)).get(pk=service.pk)
        if service.subscriptions.filter(subscriber=str(subscriber), state__in=_LIVE).exists():
            raise CatalogueRefused(f"{subscriber} 已订阅或已申请“{service}”。")
        ask: dict[str, Any] = {"system" if isinstance(subscriber, System) else "organisation": subscriber}
        row: Subscription = Subscription.objects.create(
            service=service, **ask, subscriber=str(subscriber)[:80],
            purpose=purpose.strip()[:300], volume=volume.strip()[:80], requested_by_id=actor.id,
            requested_at=timezone.now(), channel=channel,
        )  # fmt: skip
        record(actor, "gateway.subscription.request", row, f"申请{row}", after={"purpose": row.purpose})
        if actor.side != "system":  # what a file registers is in use already and waits for nobody
            people = [service.owner_id] if service.owner_id else list(people_with_role("it_head"))
            notify.tell(actor, people, kind="gateway.service", title=f"待批准：{row}", text=row.purpose,
                        url=row.get_absolute_url(), key=f"subscription:{row.pk}:requested")  # fmt: skip
    return row


def decide(
    actor: Actor,
    subscription: Subscription,
    *,
    agreed: bool,
    note: str = "",
    starts_on: dt.date | None = None,
    ends_on: dt.date | None = None,
) -> Subscription:
    """The owner's answer; nobody approves what they asked for themselves. Raises Denied, CatalogueRefused."""  # fmt: skip
    if not agreed and not note.strip():
        raise CatalogueRefused("不同意要写明原因。")
    with transaction.atomic():
        row = _locked(actor, subscription)
        if row.state != State.REQUESTED:
            raise CatalogueRefused(f"这份申请是“{row.get_state_display()}”，不在等待批准。")
        if actor.id is not None and actor.id == row.requested_by_id:
            raise CatalogueRefused("不能批准自己的申请，请另一位批准。")
        today = timezone.localdate()
        start = starts_on or today
        if agreed and ends_on is not None and ends_on < max(start, today):
            raise CatalogueRefused("结束日期不能早于开始和今天。")
        row.state = (State.IN_FORCE if start <= today else State.APPROVED) if agreed else State.REFUSED
        row.decided_by_id, row.decided_at, row.decision = actor.id, timezone.now(), note.strip()[:300]
        row.starts_on, row.ends_on = (start, ends_on) if agreed else (None, None)
        row.save()
        word = "同意" if agreed else "不同意"
        record(actor, "gateway.subscription.decide", row, f"{word}{row}", after={"state": row.state, "note": note})
        notify.tell(actor, [row.requested_by_id], kind="gateway.service", title=f"{row}：{word}", text=row.decision,
                    url=row.get_absolute_url(), key=f"subscription:{row.pk}:decided")  # fmt: skip
    return row


def end(actor: Actor, subscription: Subscription, why: str) -> Subscription:
    """It is used no more. Raises Denied, CatalogueRefused."""
    if not why.strip():
        raise CatalogueRefused("请写明为什么终止。")
    with transaction.atomic():
        row = _locked(actor, subscription)
        if row.state not in _LIVE:
            raise CatalogueRefused(f"这份订阅是“{row.get_state_display()}”。")
        _end(actor, row, why)
    return row


def by_date(today: dt.date | None = None) -> int:
    """The daily task: what begins today is in force, what is over ends; returns how many changed."""
    from xingwei.base.policy.engine import system_actor

    day, actor, changed = today or timezone.localdate(), system_actor("task"), 0
    with transaction.atomic():
        changed += Subscription.objects.filter(state=State.APPROVED, starts_on__lte=day).update(state=State.IN_FORCE)
        for row in Subscription.objects.filter(state=State.IN_FORCE, ends_on__lt=day).select_related("service__system"):
            _end(actor, row, "到期")
            changed += 1
    return changed


def import_services(actor: Actor, items: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Services of a file, published, with the systems that use them already. What people changed since stays.

    A channel or interface that is not there is left out. Returns (services added, subscriptions added). Raises
    CatalogueRefused for a system that is not there.
    """
    added = subscribed = 0
    with transaction.atomic():
        systems = {s.code: s for s in System.objects.all()}
        interfaces = {i.code: i for i in Interface.objects.all()}
        channels = {c.code: c for c in Channel.objects.all()}
        known = set(Service.objects.values_list("code", flat=True))
        for item in items:
            if item["code"] in known:
                continue
            named = [item["system"], *item.get("subscribers", ())]
            if missing := [code for code in named if code not in systems]:
                raise CatalogueRefused(f"服务 {item['code']}：没有系统“{missing[0]}”。")
            values = {k: v for k, v in item.items() if k in _FIELDS} | {
                "system": systems[item["system"]], "interface": interfaces.get(item.get("interface", "")),
                "channel": channels.get(item.get("channel", "")),
            }  # fmt: skip
            row = publish(actor, save_service(actor, values))
            added += 1
            for code in item.get("subscribers", ()):
                subscription = request(actor, row, subscriber=systems[code], purpose="随配置文件登记的现有使用方")
                decide(actor, subscription, agreed=True, note="现有集成")
                subscribed += 1
    return added, subscribed


def _move(actor: Actor, service: Service, state: str, word: str) -> Service:
    with transaction.atomic():
        row: Service = Service.objects.select_for_update(of=("self",)).select_related("system").get(pk=service.pk)
        require(actor, "gateway.service:publish", row)
        if row.state == state:
            raise CatalogueRefused(f"“{row}”已是“{row.get_state_display()}”。")
        before, row.state = row.state, state
        if state == Service.State.PUBLISHED:
            row.published_at = timezone.now()
        row.save()
        record(
            actor,
            f"gateway.service.{state}",
            row,
            f"{word}服务“{row}”",
            before={"state": before},
            after={"state": state},
        )
    return row


def _end(actor: Actor, row: Subscription, why: str) -> None:
    before = row.state
    row.state, row.ended_at, row.ended_why = State.ENDED, timezone.now(), why.strip()[:300]
    row.save()
    record(actor, "gateway.subscription.end", row, f"终止{row}：{row.ended_why}", before={"state": before},
           after={"state": row.state})  # fmt: skip


def _locked(actor: Actor, subscription: Subscription) -> Subscription:
    rows = Subscription.objects.select_related("service__system").select_for_update(of=("self",))
    row: Subscription = rows.get(pk=subscription.pk)
    require(actor, "gateway.service:approve", row.service)
    return row


def _tell_users(actor: Actor, row: Service, title: str, what: str) -> None:
    people = (
        row.subscriptions.filter(state__in=_LIVE).exclude(requested_by=None).values_list("requested_by_id", flat=True)
    )
    notify.tell(actor, list(people), kind="gateway.service", title=title, url=row.get_absolute_url(),
                key=f"service:{row.pk}:{what}")  # fmt: skip
