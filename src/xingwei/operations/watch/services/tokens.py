"""Words by which things without an account are let in; shown once, kept as digests."""

from __future__ import annotations

import secrets

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.runtime.crypto import sm3

from ..models import Job, Probe, Token
from .base import WatchRefused

_NEEDED = {"job": "watch.job:change", "agent": "watch.probe:change", "screen": "watch.screen:change"}


def issue(actor: Actor, purpose: str, subject: str) -> tuple[Token, str]:
    """A new token for the subject, and its text, which is not kept. Earlier ones of a job or an agent end with it."""
    require(actor, _NEEDED[purpose])
    subject = subject.strip()[:60]
    if purpose == Token.Purpose.JOB and not Job.objects.filter(code=subject).exists():
        raise WatchRefused("没有这个心跳任务。")
    if purpose == Token.Purpose.AGENT and not Probe.objects.filter(code=subject, kind="agent").exists():
        raise WatchRefused("没有这个主机代理。")
    if not subject:
        raise WatchRefused("请写明是哪一块屏，例如“机房东墙”。")
    text = secrets.token_urlsafe(24)
    with transaction.atomic():
        if purpose != Token.Purpose.SCREEN:
            Token.objects.filter(purpose=purpose, subject=subject, revoked_at=None).update(revoked_at=timezone.now())
        row: Token = Token.objects.create(
            purpose=purpose, subject=subject, digest=sm3(text.encode()).hex(), created_by_id=actor.id
        )
        record(actor, "watch.token.issue", row, f"发放{row.get_purpose_display()}口令：{subject}")
    return row, text


def revoke(actor: Actor, row: Token) -> None:
    require(actor, _NEEDED[row.purpose])
    with transaction.atomic():
        row.revoked_at = row.revoked_at or timezone.now()
        row.save(update_fields=["revoked_at"])
        record(actor, "watch.token.revoke", row, f"停用{row.get_purpose_display()}口令：{row.subject}")


def find(purpose: str, text: str) -> Token | None:
    """The living token of this text; its time of use is kept by the minute."""
    if not 20 <= len(text) <= 64:
        return None
    row = Token.objects.filter(purpose=purpose, digest=sm3(text.encode()).hex(), revoked_at=None).first()
    now = timezone.now()
    if row is not None and (row.seen_at is None or (now - row.seen_at).total_seconds() > 60):
        Token.objects.filter(pk=row.pk).update(seen_at=now)
    return row
