"""Making something of what was kept: once, however often the worker dies in between."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import Denied
from xingwei.base.ui.views import ServiceRefused

from .. import queries
from ..channels.wecom import messages as wecom
from ..engine import mime
from ..engine.texts import clean
from ..models import InboundMessage
from ..services.telling import send_to
from . import Inbound, InboundFile, handler_of

log = logging.getLogger(__name__)
State = InboundMessage.State
ATTEMPTS = 4
_WAITS = (dt.timedelta(seconds=30), dt.timedelta(minutes=5), dt.timedelta(minutes=30))
_PORTION = 50


def process_due() -> int:
    """Everything that waits; how many were looked at."""
    due = InboundMessage.objects.filter(state=State.RECEIVED, next_try_at__lte=timezone.now())
    ids = list(due.order_by("next_try_at", "id").values_list("pk", flat=True)[:_PORTION])
    for pk in ids:
        process(pk)
    return len(ids)


def process(pk: int) -> None:
    """One message: read, handed to its handler, marked as done in the same transaction."""
    row = InboundMessage.objects.filter(pk=pk, state=State.RECEIVED).first()
    if row is None:
        return
    handle = handler_of(row.channel)
    if handle is None:
        _quarantine(pk, "没有登记处理这个渠道来信的程序。")
        return
    try:
        message = _read(row)  # fetches files: before the transaction, which must be short
        with transaction.atomic():
            mine = InboundMessage.objects.select_for_update(skip_locked=True).filter(pk=pk, state=State.RECEIVED)
            if not mine.exists():
                return
            reply = handle(message)
            mine.update(
                state=State.DONE, reply=clean(reply, 2000), reason="", processed_at=timezone.now(), attempts=row.attempts + 1
            )  # fmt: skip
            _answer(row, message, reply)
            _record(row, "done", "已处理")
    except (ServiceRefused, Denied, wecom.Unreadable) as why:
        _quarantine(pk, str(why))
    except wecom.MediaFailed as why:
        _again(row, str(why))
    except Exception as error:
        log.exception("inbound message %s failed", pk)
        _again(row, f"处理时出错（{type(error).__name__}），详见服务日志。")


def _read(row: InboundMessage) -> Inbound:
    raw = bytes(row.raw)
    if row.channel == InboundMessage.Channel.MAIL:
        mail = mime.parse(raw)
        note = f"\n（另有 {mail.dropped} 个附件没有登记）" if mail.dropped else ""
        files = tuple(InboundFile(f.name, f.content) for f in mail.files)
        return Inbound("mail", mail.sender, mail.subject, mail.text + note, row.message_id, row.received_at, files)
    message = wecom.parse(raw)
    try:
        wecom_files = tuple(wecom.download(message))
        note = ""
    except wecom.MediaFailed as why:
        if row.attempts < ATTEMPTS - 1:
            raise
        wecom_files, note = (), f"\n（{why}）"
    return Inbound("wecom", message.sender, "", message.text + note, row.message_id, row.received_at, wecom_files)


def _answer(row: InboundMessage, message: Inbound, reply: str) -> None:
    if not reply or row.channel not in queries.configured_channels() or not message.address:
        return
    payload: dict[str, object]
    if row.channel == InboundMessage.Channel.MAIL:
        thread = (
            {}
            if row.message_id.startswith("sha256:")
            else {"In-Reply-To": row.message_id, "References": row.message_id}
        )
        payload = {"title": f"回复：{message.subject}"[:200], "text": reply, "url": "", "reply": thread}
    else:
        title, _, rest = reply.partition("\n")
        payload = {"title": title[:200], "text": rest, "url": "", "reply": {}}
    send_to(row.channel, message.address, kind="reply", payload=payload, key=f"inbound:{row.pk}:{row.attempts}")


def _quarantine(pk: int, reason: str) -> None:
    """Set aside with the reason. A WeCom sender, who is a member of the house, is told; a mail's is not:
    that address may be forged, and two machines would answer each other."""
    with transaction.atomic():
        row = InboundMessage.objects.select_for_update().filter(pk=pk, state=State.RECEIVED).first()
        if row is None:
            return
        row.state, row.reason, row.processed_at = State.QUARANTINED, clean(reason, 500), timezone.now()
        row.attempts += 1
        row.save(update_fields=["state", "reason", "processed_at", "attempts"])
        if row.channel == InboundMessage.Channel.WECOM and "wecom" in queries.configured_channels() and row.sender:
            payload = {"title": "没有登记成功", "text": row.reason, "url": "", "reply": {}}
            send_to("wecom", row.sender, kind="reply", payload=payload, key=f"inbound:{pk}:{row.attempts}")
        _record(row, "quarantine", "已隔离")


def _again(row: InboundMessage, reason: str) -> None:
    if row.attempts + 1 >= ATTEMPTS:
        _quarantine(row.pk, f"试了 {ATTEMPTS} 次都没有成功。{reason}")
        return
    InboundMessage.objects.filter(pk=row.pk, state=State.RECEIVED).update(
        attempts=row.attempts + 1, reason=clean(reason, 500), next_try_at=timezone.now() + _WAITS[row.attempts]
    )


def _record(row: InboundMessage, verb: str, words: str) -> None:
    record(
        system_actor(),
        f"notify.inbound.{verb}",
        ("notify.inboundmessage", str(row.pk), row.get_channel_display()),
        f"{row.get_channel_display()}来信{words}",
    )
