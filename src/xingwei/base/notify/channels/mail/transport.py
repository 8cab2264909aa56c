"""Mail: one account, SMTP. Every mail says that a machine wrote it, so that no other machine answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.template.loader import render_to_string

from ...engine import outcomes, rates
from ...engine.outcomes import Outcome
from ...engine.texts import one_line
from ...engine.wire import Answer, MailCall, SmtpServer
from ...models import MailServer
from ..base import Message, Unsendable, opened

LOOP_MARK = "xingwei"
_PER_MINUTE = 10  # to one address; more become a summary


@dataclass(frozen=True, slots=True)
class Mail:
    source: models.Model
    server: SmtpServer
    sender: str
    sender_name: str
    room: int = 60_000
    avoids_peak: bool = False

    @classmethod
    def of(cls, row: MailServer) -> Self:
        if not row.host or not row.sender:
            raise Unsendable("发信服务器没有配置完整。")
        password = opened(row.password, "mail.password")
        server = SmtpServer(row.host, row.port, row.security, row.username, password, row.check_certificate)
        return cls(row, server, row.sender, row.sender_name)

    @classmethod
    def configured(cls) -> Self:
        row = MailServer.objects.filter(on=True).first()
        if row is None:
            raise Unsendable("邮件发信没有启用。")
        return cls.of(row)

    @property
    def limits(self) -> rates.Limits:
        return rates.per_minute(_PER_MINUTE)

    def prepare(self, message: Message, now: dt.datetime) -> tuple[MailCall, ...]:
        try:
            validate_email(message.address)
        except ValidationError:
            raise Unsendable("邮箱地址不对。") from None
        raw = self._written(message, now).as_bytes(policy=SMTP)
        return (MailCall(self.sender, message.address, raw, self.server),)

    def _written(self, message: Message, now: dt.datetime) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = one_line(message.heading)
        mail["From"] = Address(one_line(self.sender_name), addr_spec=self.sender)
        mail["To"] = Address(addr_spec=message.address)
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{message.ident}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-replied" if message.reply else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["X-Loop"] = LOOP_MARK
        if message.urgent:
            mail["Importance"] = "high"
            mail["X-Priority"] = "1"
        for name, value in (message.reply or {}).items():
            mail[name] = one_line(value)
        context = {"message": message}
        mail.set_content(render_to_string("notify/mail/message.txt", context), cte="base64")
        mail.add_alternative(render_to_string("notify/mail/message.html", context), subtype="html", cte="base64")
        return mail

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        answer = answers[-1]
        if answer.trouble:
            return outcomes.retry(answer.trouble)
        said = f"（{one_line(answer.body)[:160]}）"
        if answer.status == 250:
            return outcomes.sent("发信服务器已收下")
        if answer.status in (530, 534, 535):
            return outcomes.retry(f"发信服务器不认账号或授权码{said}")
        if answer.status >= 500:
            return outcomes.dead(f"发信服务器拒收{said}")
        return outcomes.retry(f"发信服务器暂时不收{said}")

    def learn(self, answers: Sequence[Answer]) -> None:
        """A mail server's answer teaches nothing."""
