"""Channels: new ones, changes, and their state. The gateway's processes take each up within a second."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import Problem, Source, dotted, validate

from ..channels import base as kinds
from ..channels.secrets import sealed
from ..models import Channel
from .base import GatewayRefused, announce, reason_of

FIELDS = (
    "name", "direction", "kind", "system_id", "interface_id", "peer", "zone", "settings", "delivery", "call",
    "breaker", "capacity", "retention_days", "note",
)  # fmt: skip
GROUPS = {"settings": "连接参数", "delivery": "投递参数", "call": "调用参数", "breaker": "熔断参数"}
_SECRET = ("password", "secret", "token", "private_key", "sm2_key")
ACTS = {"running": "恢复", "paused": "暂停", "draining": "排空", "stopped": "停用"}


class ChannelRefused(GatewayRefused):
    """problems: (group, path, sentence), group being a key of GROUPS or a field's name."""

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        self.problems = problems
        super().__init__("；".join(_sentence(*p) for p in problems))


@cache
def schemas() -> Mapping[str, Any]:
    """JSON Schemas of delivery, call and breaker."""
    path = Path(__file__).parents[1] / "data" / "channel.schema.json"
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["$defs"]
    return found


def schema_of(group: str, kind: str) -> Mapping[str, Any]:
    """The JSON Schema of one group of a channel's values; the settings' one is the kind's own."""
    return kinds.kind(kind).schema if group == "settings" else schemas()[group]


def problems_of(values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Everything that is wrong with a channel's values, as (group, path, Chinese sentence)."""
    found: list[tuple[str, str, str]] = []
    try:
        kind = kinds.kind(str(values.get("kind", "")))
    except kinds.ChannelProblem as unknown:
        return [("kind", "", unknown.reason)]
    if values.get("direction") == "in" and kind.listener is None:
        found.append(("direction", "", f"“{kind.name}”只能送出，不能接入"))
    if values.get("direction") == "out" and kind.sender is None:
        found.append(("direction", "", f"“{kind.name}”只能接入，不能送出"))
    for group in GROUPS:
        document = dict(values.get(group) or {})
        for problem in _of_group(document, schema_of(group, kind.code)):
            found.append((group, dotted(problem.path), problem.message))
    return found


def _of_group(document: dict[str, Any], schema: Mapping[str, Any]) -> list[Problem]:
    return validate(Source(document, {}), schema)


def add_channel(actor: Actor, values: Mapping[str, Any]) -> Channel:
    """A new channel; it stands still until somebody starts it where values say "stopped". Raises ChannelRefused."""
    require(actor, "gateway.channel:change")
    channel = Channel(code=values["code"], state=values.get("state", "stopped"), **_known(values))
    _check(channel)
    channel.settings = sealed(channel.code, channel.kind, channel.settings, {})
    with transaction.atomic():
        if Channel.objects.filter(code=channel.code).exists():
            raise ChannelRefused([("code", "", f"代码“{channel.code}”已经有了，请换一个")])
        channel.save()
        record(actor, "gateway.channel.create", channel, f"新建通道 {channel.name}", after=_shown(channel))
        announce("configuration", [channel.pk])
    return channel


def change_channel(actor: Actor, channel: Channel, values: Mapping[str, Any], *, version: int | None = None) -> Channel:
    """Change a channel; `version` is the one that the form showed. Raises ChannelRefused."""
    require(actor, "gateway.channel:change", channel)
    with transaction.atomic():
        row: Channel = Channel.objects.select_for_update(of=("self",)).select_related("system").get(pk=channel.pk)
        if version is not None and row.version != version:
            raise GatewayRefused("别人刚改过这条通道，您看到的已不是最新内容。请刷新后再改，没有保存任何内容。")
        was, settings = _shown(row), row.settings
        for name, value in _known(values).items():
            setattr(row, name, value)
        _check(row)
        row.settings = sealed(row.code, row.kind, row.settings, settings)
        before, after = changes(was, _shown(row))
        if after:
            row.version += 1
            row.save()
            record(actor, "gateway.channel.change", row, f"修改通道 {row.name}", before=before, after=after)
            announce("configuration", [row.pk])
    return row


def set_state(actor: Actor, channel: Channel, state: str, *, reason: str = "") -> Channel:
    """Run, pause, drain or stop a channel. All but running it ask for a reason. Raises GatewayRefused."""
    require(actor, "gateway.channel:operate", channel)
    if state not in ACTS:
        raise GatewayRefused("没有这种状态")
    said = "" if state == "running" else reason_of(reason)
    with transaction.atomic():
        row: Channel = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
        before = row.state
        if before == state:
            raise GatewayRefused(f"通道已经是“{row.get_state_display()}”，不用再改")
        row.state = state
        row.version += 1
        row.save(update_fields=["state", "version", "updated_at"])
        sentence = f"{ACTS[state]}通道 {row.name}" + (f"：{said}" if said else "")
        record(actor, "gateway.channel.state", row, sentence, before={"state": before}, after={"state": state})
        announce("configuration", [row.pk])
    return row


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in FIELDS if name in values}


def _check(channel: Channel) -> None:
    found = problems_of({name: getattr(channel, name) for name in FIELDS})
    try:
        channel.full_clean(validate_unique=False)
    except ValidationError as error:
        found += [(name, "", text) for name, texts in error.message_dict.items() for text in texts]
    if channel.interface_id and channel.interface and channel.interface.system_id != channel.system_id:
        found.append(("interface", "", "接口不属于所选的系统"))
    if found:
        raise ChannelRefused(found)


def without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they may be shown and recorded."""
    return {k: "***" if v and any(s in k for s in _SECRET) else v for k, v in values.items()}


def _shown(channel: Channel) -> dict[str, Any]:
    """The values for the journal, secrets left out."""
    values = snapshot(channel, list(FIELDS))
    for group in GROUPS:
        values[group] = without_secrets(values[group])
    return values


def _sentence(group: str, path: str, message: str) -> str:
    where = GROUPS.get(group, "")
    return "：".join(part for part in (where + (f" {path}" if path else ""), message) if part.strip())
