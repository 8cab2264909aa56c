"""What comes in by mail and WeCom: kept as it came, then processed, and processed again when asked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.querysets import RestrictedQuerySet


class InboundMessage(models.Model):
    """One message. raw: the mail (RFC 822) or the decrypted WeCom XML, byte for byte.

    message_id: the sender's own number of it, or the digest of raw; it comes in once. source_ref: its number at
    the server it was fetched from. reason: why it is quarantined or ignored. size: of the original, in bytes,
    also where it was too large to be kept.
    """

    class Channel(models.TextChoices):
        MAIL = "mail", "邮件"
        WECOM = "wecom", "企业微信"

    class State(models.TextChoices):
        RECEIVED = "received", "待处理"
        DONE = "done", "已处理"
        QUARANTINED = "quarantined", "已隔离"
        IGNORED = "ignored", "已忽略"

    channel = models.CharField("渠道", max_length=10, choices=Channel.choices)
    source = models.CharField("来路", max_length=10, blank=True)
    source_ref = models.CharField(max_length=200, blank=True)
    message_id = models.CharField("消息编号", max_length=250)
    sender = models.CharField("发件人", max_length=254, blank=True)
    subject = models.CharField("主题", max_length=300, blank=True)
    raw = models.BinaryField()
    size = models.PositiveBigIntegerField("大小", default=0)
    received_at = models.DateTimeField("收到时间", default=timezone.now)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.RECEIVED)
    reason = models.CharField("原因", max_length=500, blank=True)
    reply = models.TextField("答复", blank=True)
    attempts = models.PositiveSmallIntegerField("处理次数", default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField("处理时间", null=True, blank=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="inbound_time"),
            models.Index(fields=["next_try_at"], condition=Q(state="received"), name="inbound_due"),
            models.Index(fields=["state", "-id"], name="inbound_state"),
            models.Index(fields=["source", "source_ref"], condition=~Q(source_ref=""), name="inbound_source"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["channel", "message_id"], name="inbound_comes_in_once"),
        ]

    def __str__(self) -> str:
        return self.subject or f"{self.get_channel_display()} {self.sender}"

    def get_absolute_url(self) -> str:
        return reverse("notify:message", args=[self.pk])
