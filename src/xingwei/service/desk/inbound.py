"""Cases that come in by e-mail and WeCom: a letter opens a case, a reply to one is noted in it."""

from __future__ import annotations

import re

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile

from xingwei.base.accounts import queries as accounts
from xingwei.base.accounts.models import User
from xingwei.base.notify.inbound import Inbound, handler
from xingwei.base.policy.querysets import facts_of
from xingwei.base.policy.registry import policy
from xingwei.base.ui.views import ServiceRefused

from .models import Case
from .queries.guess import guess
from .services import acts
from .services.files import FILES_AT_ONCE
from .services.intake import NewCase, open_case, title_of

_NUMBER = re.compile(r"(?<!\d)(\d{4}-\d{3,6})(?!\d)")


class UnknownSender(ServiceRefused):
    """Nobody is known by this address: kept in quarantine, to be replayed when the person is entered."""


@handler("mail")
def mail(message: Inbound) -> str:
    return _take(message, Case.Channel.EMAIL)


@handler("wecom")
def wecom(message: Inbound) -> str:
    return _take(message, Case.Channel.WECOM)


def _take(message: Inbound, channel: str) -> str:
    """Returns the answer to the sender. Raises ServiceRefused with the reason; the message is kept."""
    person = accounts.by_address(message.channel, message.address)
    if person is None or not person.in_force():
        raise UnknownSender(f"不认识发件人 {message.address}：请先在“人员与账号”里登记这个地址，再重放这条消息。")
    actor = accounts.actor_of(person, via="email" if channel == Case.Channel.EMAIL else "wecom")
    text = message.text.strip()
    named = _named(message, person)
    files = [_upload(f.name, f.content) for f in message.files[:FILES_AT_ONCE]]
    if named is not None:
        acts.note(actor, named, text or "（只有附件）", attachments=files)
        return f"已记入 {named.number}。"
    words = "\n".join(w for w in (message.subject.strip(), text) if w)
    found = guess(actor, words, department=person.department)
    case = open_case(
        actor,
        NewCase(
            kind=found.kind, description=words, title=message.subject.strip() or title_of(words), channel=channel,
            severity=found.severity, system=found.system, subsystem=found.subsystem, function=found.function,
            interface=found.interface, reporter=person, department=person.department,
            key=f"{message.channel}:{message.message_id}"[:64] if message.message_id else "",
            files=files, level_reason="；".join(found.why),
        ),
    )  # fmt: skip
    return f"已登记 {case.number}，半小时内有人响应。回复时请保留编号 {case.number}，内容会记入这件问题。"


def _named(message: Inbound, person: User) -> Case | None:
    """The case whose number stands in the subject, if the sender may see it."""
    for number in _NUMBER.findall(message.subject):
        case: Case | None = Case.objects.filter(number=number).select_related("system", "department").first()
        if case is not None:
            actor = accounts.actor_of(person)
            if policy().may(actor, "desk.case:note", facts_of(case)):
                return case
    return None


def _upload(name: str, content: bytes) -> UploadedFile[bytes]:
    return SimpleUploadedFile(name or "附件", content)
