"""Everything that leaves by a channel: one row a delivery, and the lanes that it waits in."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.querysets import RestrictedQuerySet

from .inbox import KEY_LENGTH, Notification

LANE_LENGTH = 300


class Outbox(models.Model):
    """One delivery: to a person's address, or to a group robot.

    lane: what shares one rate limit ("feishu:robot:3", "sms:13900000101"). payload: title, text, url and what
    a reply needs. claim, claimed_until: who is sending it and until when; a claim that runs out is free again.
    digest: the summary into which this one was merged. answer: what the service really said, last time.
    """

    class Channel(models.TextChoices):
        MAIL = "mail", "邮件"
        WECOM = "wecom", "企业微信"
        DINGTALK = "dingtalk", "钉钉"
        FEISHU = "feishu", "飞书"
        SMS = "sms", "短信"
        VOICE = "voice", "语音电话"

    class State(models.TextChoices):
        QUEUED = "queued", "待发"
        SENDING = "sending", "发送中"
        FAILED = "failed", "失败待重试"
        SENT = "sent", "已送达"
        DIGESTED = "digested", "并入汇总"
        DEAD = "dead", "发送失败"
        CANCELLED = "cancelled", "已取消"

    OPEN = (State.QUEUED, State.FAILED)
    UNFINISHED = (State.QUEUED, State.FAILED, State.SENDING)

    channel = models.CharField("渠道", max_length=10, choices=Channel.choices)
    lane = models.CharField(max_length=LANE_LENGTH)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="收件人"
    )
    robot = models.ForeignKey(
        "notify.Robot", models.SET_NULL, null=True, blank=True, related_name="deliveries", verbose_name="群机器人"
    )
    notification = models.ForeignKey(Notification, models.SET_NULL, null=True, blank=True, related_name="deliveries")
    address = models.CharField("地址", max_length=254, blank=True)
    kind = models.CharField("种类", max_length=80)
    payload = models.JSONField(default=dict)
    urgent = models.BooleanField("紧急", default=False)
    key = models.CharField(max_length=KEY_LENGTH, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField("已试次数", default=0)
    created_at = models.DateTimeField("提交时间", default=timezone.now)
    next_try_at = models.DateTimeField("下次发送", default=timezone.now)
    claim = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)
    said = models.CharField("结果", max_length=300, blank=True)
    answer = models.TextField("对方答复", blank=True)
    digest = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="merged")
    relay = models.ForeignKey(
        "notify.Relay", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="中转"
    )

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_try_at", "lane"], condition=Q(state__in=["queued", "failed"]), name="outbox_due"
            ),
            models.Index(fields=["lane", "id"], condition=Q(state__in=["queued", "failed"]), name="outbox_lane"),
            models.Index(fields=["claimed_until"], condition=Q(state="sending"), name="outbox_claims"),
            models.Index(fields=["state", "-id"], name="outbox_state"),
            models.Index(fields=["created_at"], name="outbox_created"),
        ]
        constraints = [models.UniqueConstraint(fields=["lane", "key"], condition=~Q(key=""), name="outbox_told_once")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("notify:delivery", args=[self.pk])

    @property
    def title(self) -> str:
        return str(self.payload.get("title", ""))

    @property
    def to_whom(self) -> str:
        """The recipient as a page may show it: a mobile number with its middle hidden."""
        if self.robot_id:
            return str(self.robot)
        if self.channel in (self.Channel.SMS, self.Channel.VOICE) and len(self.address) >= 7:
            hidden = f"{self.address[:3]}****{self.address[-4:]}"
            return f"{self.person} {hidden}" if self.person_id else hidden
        return f"{self.person} {self.address}" if self.person_id else self.address


class Lane(models.Model):
    """Sends of one lane that its limits still count, and until when it is silent."""

    key = models.CharField(max_length=LANE_LENGTH, primary_key=True)
    spent = ArrayField(models.DateTimeField(), default=list)
    blocked_until = models.DateTimeField(null=True, blank=True)
    blocked_why = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.key
