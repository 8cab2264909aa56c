"""Setting up the channels: robots, gateways, the mail account, the WeCom application, relays.

Values are what a form or an importer has checked. A secret that is given is sealed and never seen again; ""
leaves it as it is, "-" takes it away. The journal is told that a secret changed, never which one it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import models, transaction

from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Gateway, MailServer, Outbox, Relay, Robot, WecomApp
from ..sealing import seal
from .base import Refused
from .deliveries import cancel_open

KEEP, CLEAR = "", "-"
CHANGE = "notify.channel:change"

_ROBOT = ("channel", "name", "topics", "per_minute", "mention_all", "on")
_GATEWAY = (
    "kind", "name", "url", "method", "format", "charset", "headers", "body", "success_path", "success_value",
    "max_chars", "duty_mobiles", "on",
)  # fmt: skip
_MAY_HOLD_SECRETS = {"url", "headers", "body"}  # of a gateway, where somebody writes the key itself
_MAIL = (
    "on", "host", "port", "security", "username", "sender", "sender_name", "check_certificate", "protocol",
    "in_host", "in_port", "in_security", "in_username", "in_folder", "in_delete",
)  # fmt: skip
_WECOM = ("on", "base", "corp_id", "agent_id")
_RELAY = ("code", "name", "channels", "on")


def save_robot(actor: Actor, values: Mapping[str, Any], robot: Robot | None = None) -> Robot:
    """Add or change a robot; values also hold `address` and `secret`. Raises Refused for a name taken."""
    row = robot or Robot()
    with transaction.atomic():
        _only_one_of_that_name(row, values["name"], "机器人")
        if address := values.get("address"):
            row.hint = _shown(address)
        purposes = {"address": f"robot.{row.ident}.address", "secret": f"robot.{row.ident}.secret"}
        _save(actor, row, values, _ROBOT, purposes, "notify.robot", "群机器人")
        if not row.on:
            cancel_open(Outbox.objects.filter(robot=row), "群机器人已停用")
    return row


def delete_robot(actor: Actor, robot: Robot) -> None:
    """Take a robot away; what waits for it is cancelled, what it sent stays on record."""
    with transaction.atomic():
        require(actor, CHANGE)
        cancel_open(Outbox.objects.filter(robot=robot), "群机器人已删除")
        record(actor, "notify.robot.delete", robot, f"删除群机器人“{robot.name}”", before=snapshot(robot, _ROBOT))
        robot.delete()


def save_gateway(actor: Actor, values: Mapping[str, Any], gateway: Gateway | None = None) -> Gateway:
    """Add or change an SMS or voice gateway; values also hold `secret`."""
    row = gateway or Gateway()
    with transaction.atomic():
        _only_one_of_that_name(row, values["name"], "网关")
        _save(actor, row, values, _GATEWAY, {"secret": f"gateway.{row.ident}.secret"}, "notify.gateway", "网关")
    return row


def delete_gateway(actor: Actor, gateway: Gateway) -> None:
    with transaction.atomic():
        require(actor, CHANGE)
        record(actor, "notify.gateway.delete", gateway, f"删除网关“{gateway.name}”", before=snapshot(gateway, _GATEWAY))
        gateway.delete()


def save_mail(actor: Actor, values: Mapping[str, Any]) -> MailServer:
    """Set the mail account; values also hold `password` and `in_password`."""
    with transaction.atomic():
        row = MailServer.objects.select_for_update().filter(pk=1).first() or MailServer()
        purposes = {"password": "mail.password", "in_password": "mail.in_password"}
        _save(actor, row, values, _MAIL, purposes, "notify.mail", "邮件服务器")
    return row


def save_wecom(actor: Actor, values: Mapping[str, Any]) -> WecomApp:
    """Set the WeCom application; values also hold `secret`, `callback_token` and `callback_key`."""
    with transaction.atomic():
        row = WecomApp.objects.select_for_update().filter(pk=1).first() or WecomApp()
        row.access_token, row.access_token_until = "", None  # it belongs to the application as it was
        purposes = {n: f"wecom.{n}" for n in ("secret", "callback_token", "callback_key")}
        _save(actor, row, values, _WECOM, purposes, "notify.wecom", "企业微信应用")
    return row


def save_relay(actor: Actor, values: Mapping[str, Any], relay: Relay | None = None) -> Relay:
    """Add or change a relay. Raises Refused for a code taken, or a channel that another relay carries."""
    row = relay or Relay()
    with transaction.atomic():
        others = Relay.objects.exclude(pk=row.pk)
        if others.filter(code=values["code"]).exists():
            raise Refused(f"已有代码为“{values['code']}”的中转，请换一个。")
        if values["on"] and (rival := others.filter(on=True, channels__overlap=values["channels"]).first()):
            raise Refused(f"中转“{rival.name}”已承担其中的渠道，一个渠道只能由一个中转发送。")
        _save(actor, row, values, _RELAY, {}, "notify.relay", "通知中转")
    return row


def delete_relay(actor: Actor, relay: Relay) -> None:
    with transaction.atomic():
        require(actor, CHANGE)
        record(actor, "notify.relay.delete", relay, f"删除通知中转“{relay.name}”", before=snapshot(relay, _RELAY))
        relay.delete()


def _save(
    actor: Actor,
    row: models.Model,
    values: Mapping[str, Any],
    fields: tuple[str, ...],
    secrets: Mapping[str, str],
    act: str,
    what: str,
) -> None:
    require(actor, CHANGE)
    new = row._state.adding
    before = {} if new else snapshot(type(row)._default_manager.get(pk=row.pk), fields)
    for name in fields:
        if name in values:
            setattr(row, name, values[name])
    replaced = {}
    for name, purpose in secrets.items():
        given = str(values.get(name, KEEP)).strip()
        if given != KEEP:
            setattr(row, name, "" if given == CLEAR else seal(given, purpose))
            replaced[name] = "已清除" if given == CLEAR else "已更换"
    row.save()
    old, changed = changes(before, snapshot(row, fields))
    for name in _MAY_HOLD_SECRETS & changed.keys():
        old[name], changed[name] = "…", "已改动"
    if new or changed or replaced:
        verb = "新建" if new else "修改"
        record(
            actor,
            f"{act}.{'create' if new else 'change'}",
            row,
            f"{verb}{what}“{row}”",
            before=old,
            after=changed | replaced,
        )


def _only_one_of_that_name(row: Robot | Gateway, name: str, what: str) -> None:
    if type(row)._default_manager.filter(name=name).exclude(pk=row.pk).exists():
        raise Refused(f"已有叫“{name}”的{what}，请换一个名称。")


def _shown(address: str) -> str:
    """What of a robot's address a page may show: the host and the last four characters of its key."""
    parts = urlsplit(address)
    return f"{parts.hostname or ''} …{address[-4:]}"
