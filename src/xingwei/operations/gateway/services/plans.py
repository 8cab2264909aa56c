"""Degradation plans: written by one, approved by two others, one of each side; and imported from files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import roles
from xingwei.base.ui.datafiles import Source, validate

from ..models import Channel, Plan, PlanApproval, PlanVersion
from ..queries.plans import people_of
from .base import GatewayRefused, announce

BUSINESS = frozenset({"insurance_office", "medical_affairs", "finance_office", "nursing"})
State = PlanVersion.State


class PlanRefused(GatewayRefused):
    """The plan is not taken; the text says why and what to do."""


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a version's document."""
    text = files("xingwei.operations.gateway").joinpath("data/plan.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def check(document: Mapping[str, Any]) -> None:
    """Raise PlanRefused with everything that is wrong with a plan's document."""
    problems = [str(p) for p in validate(Source(dict(document), {}), schema())]
    modes = {document.get("mode"), *(line.get("mode") for line in document.get("lines", ()) if isinstance(line, dict))}
    if "answer" in modes and not document.get("answer"):
        problems.append("有按约定应答的报文，要写明 answer：回给业务系统的报文")
    if "cached" in modes and not document.get("cache_s"):
        problems.append("有用缓存应答的报文，要写明 cache_s：缓存最多多旧（秒）")
    seen: set[str] = set()
    for line in document.get("lines", ()):
        for kind in line.get("types", ()) if isinstance(line, dict) else ():
            if kind in seen:
                problems.append(f"“{kind}”写在两行里，同一种报文只能有一种办法")
            seen.add(kind)
    if problems:
        raise PlanRefused("；".join(dict.fromkeys(problems)))


def side_of(actor: Actor) -> str:
    """For which side somebody approves."""
    return PlanApproval.Side.BUSINESS if actor.roles & BUSINESS else PlanApproval.Side.TECHNICAL


def draft(
    actor: Actor, channel: Channel, document: Mapping[str, Any], *, note: str = "", code: str = "", name: str = ""
) -> PlanVersion:
    """A new version, not yet proposed; the first one makes the plan. Raises Denied, PlanRefused."""
    require(actor, "gateway.plan:change")
    if channel.direction != Channel.Direction.OUT:
        raise PlanRefused(f"“{channel}”是接入通道，熔断方案只为送出通道而写。")
    check(document)
    with transaction.atomic():
        Channel.objects.select_for_update().get(pk=channel.pk)
        plan = Plan.objects.filter(channel=channel).first()
        if plan is None:
            code = code.strip() or f"PLAN-{channel.code}"
            if Plan.objects.filter(code=code).exists():
                raise PlanRefused(f"方案代码“{code}”已有，请换一个。")
            plan = Plan(code=code, name=name.strip() or channel.name, channel=channel)
            plan.full_clean(exclude=["channel"])
            plan.save()
        last = plan.versions.order_by("-number").first()
        version = plan.versions.create(
            number=(last.number + 1) if last else 1, document=dict(document), note=note.strip()[:300],
            author_id=actor.id, author_name=actor.name[:40],
        )  # fmt: skip
        record(actor, "gateway.plan.draft", plan, f"起草{version}", after={"version": version.number, "note": note})
    return version


def propose(actor: Actor, version: PlanVersion) -> PlanVersion:
    """Ask both sides for their approval. Raises Denied, PlanRefused."""
    with transaction.atomic():
        row = _locked(version)
        require(actor, "gateway.plan:change", row.plan)
        if row.state not in {State.DRAFT, State.REFUSED}:
            raise PlanRefused(f"{row}是“{row.get_state_display()}”，不用再提交。")
        check(row.document)
        row.approvals.all().delete()
        row.state = State.PROPOSED
        row.save(update_fields=["state"])
        record(actor, "gateway.plan.propose", row.plan, f"提交{row}，待双方批准", after={"version": row.number})
        _tell(actor, row, f"{row}待批准：{row.plan.name}")
    return row


def approve(actor: Actor, version: PlanVersion, note: str = "") -> PlanVersion:
    """One side's approval; with the other's it comes into force. Raises Denied, PlanRefused."""
    with transaction.atomic():
        row = _locked(version)
        require(actor, "gateway.plan:approve", row.plan)
        if row.state != State.PROPOSED:
            raise PlanRefused(f"{row}是“{row.get_state_display()}”，不在等待批准。")
        if actor.id is not None and actor.id == row.author_id:
            raise PlanRefused("起草人不能批准自己写的方案，请另一位批准。")
        side = side_of(actor)
        if row.approvals.filter(side=side).exists():
            label = PlanApproval.Side(side).label
            raise PlanRefused(f"{label}已经批准，还差另一方。")
        row.approvals.create(
            side=side, person_id=actor.id, name=_called(actor), agreed=True, note=note.strip()[:300], at=timezone.now()
        )
        record(actor, "gateway.plan.approve", row.plan, f"批准{row}", after={"version": row.number, "side": side})
        if row.approvals.filter(agreed=True).count() == len(PlanApproval.Side):
            _bring_into_force(actor, row)
    return row


def refuse(actor: Actor, version: PlanVersion, note: str) -> PlanVersion:
    """Send a proposed version back with the reason. Raises Denied, PlanRefused."""
    if not note.strip():
        raise PlanRefused("请写明为什么退回，好让起草人修改。")
    with transaction.atomic():
        row = _locked(version)
        require(actor, "gateway.plan:approve", row.plan)
        if row.state != State.PROPOSED:
            raise PlanRefused(f"{row}是“{row.get_state_display()}”，不能退回。")
        row.approvals.all().delete()
        row.approvals.create(
            side=side_of(actor), person_id=actor.id, name=_called(actor), agreed=False, note=note.strip()[:300],
            at=timezone.now(),
        )  # fmt: skip
        row.state = State.REFUSED
        row.save(update_fields=["state"])
        record(actor, "gateway.plan.refuse", row.plan, f"退回{row}", after={"version": row.number, "note": note})
        if row.author_id:
            notify.tell(
                actor, [row.author_id], kind="gateway.plan", title=f"{row}已退回", text=note[:200],
                url=row.plan.get_absolute_url(), key=f"plan:{row.pk}:refused:{timezone.now():%m%d%H%M%S}",
            )  # fmt: skip
    return row


def bring_file_version(
    actor: Actor,
    channel: Channel,
    code: str,
    name: str,
    document: Mapping[str, Any],
    approvals: Mapping[str, Mapping[str, Any]],
    note: str,
) -> PlanVersion | None:
    """A plan from a file. approvals: side → {"name", "person"?, "note"?}: who signed it on paper; where one side is
    missing it waits for approval. Nothing is made where the newest version says the same. Raises PlanRefused."""  # fmt: skip
    with transaction.atomic():
        plan = Plan.objects.filter(code=code).first()
        if plan and plan.channel_id != channel.pk:
            raise PlanRefused(f"方案“{code}”属于通道“{plan.channel}”，不能改属“{channel}”。")
        last = plan.versions.order_by("-number").first() if plan else None
        if last is not None and last.document == dict(document) and last.state != State.REFUSED:
            return None
        version = draft(actor, channel, document, note=note, code=code, name=name)
        version.state = State.PROPOSED
        version.save(update_fields=["state"])
        people = {
            u.username: u for u in User.objects.filter(username__in=[a.get("person") for a in approvals.values()])
        }
        for side, given in approvals.items():
            version.approvals.create(
                side=side, person=people.get(given.get("person", "")), name=given["name"][:60], agreed=True,
                note=str(given.get("note", ""))[:300], at=timezone.now(),
            )  # fmt: skip
        if len(approvals) == len(PlanApproval.Side):
            _bring_into_force(actor, version)
    return version


def _bring_into_force(actor: Actor, row: PlanVersion) -> None:
    old = row.plan.versions.filter(state=State.APPROVED).first()
    row.plan.versions.filter(state=State.APPROVED).update(state=State.RETIRED)
    row.state, row.approved_at = State.APPROVED, timezone.now()
    row.save(update_fields=["state", "approved_at"])
    record(
        actor, "gateway.plan.in_force", row.plan, f"{row}生效",
        before={"version": old.number if old else None}, after={"version": row.number},
    )  # fmt: skip
    announce("configuration", [row.plan.channel_id])
    _tell(actor, row, f"{row}已生效：{row.plan.name}")


def _locked(version: PlanVersion) -> PlanVersion:
    rows = PlanVersion.objects.select_related("plan__channel__system")
    found: PlanVersion = rows.select_for_update(of=("self",)).get(pk=version.pk)
    return found


def _called(actor: Actor) -> str:
    known = roles()
    labels = "、".join(str(known[r]["label"]) for r in sorted(actor.roles) if r in known)
    return (f"{actor.name}（{labels}）" if labels else actor.name)[:60]


def _tell(actor: Actor, row: PlanVersion, title: str) -> None:
    notify.tell(
        actor, people_of(row.document), kind="gateway.plan", title=title, text=str(row.document["sentence"]),
        url=row.plan.get_absolute_url(), key=f"plan:{row.pk}:{row.state}",
    )  # fmt: skip
