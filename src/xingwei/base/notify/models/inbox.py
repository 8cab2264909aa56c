"""What a person is told on the page, and how else they want to hear of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.querysets import RestrictedQuerySet

TITLE_LENGTH = 200
TEXT_LENGTH = 4000
URL_LENGTH = 500
KEY_LENGTH = 120


class Notification(models.Model):
    """One thing told to one person. key: the same key is told to the same person once only."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", verbose_name="收件人"
    )
    kind = models.CharField("种类", max_length=80)
    title = models.CharField("标题", max_length=TITLE_LENGTH)
    text = models.TextField("内容", blank=True)
    url = models.CharField("链接", max_length=URL_LENGTH, blank=True)
    urgent = models.BooleanField("紧急", default=False)
    sender = models.CharField("来自", max_length=80, blank=True)
    at = models.DateTimeField("时间", default=timezone.now)
    read_at = models.DateTimeField("已读时间", null=True, blank=True)
    key = models.CharField(max_length=KEY_LENGTH, blank=True)

    SCOPES = {"own": ("person_id",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["person", "-at", "-id"], name="notification_inbox"),
            models.Index(fields=["person", "-id"], condition=Q(read_at=None), name="notification_unread"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["person", "key"], condition=~Q(key=""), name="notification_told_once")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("notify:open", args=[self.pk])


class Preference(models.Model):
    """A person's own choice for one kind ("*": all kinds) on one channel."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notify_preferences")
    kind = models.CharField(max_length=80)
    channel = models.CharField(max_length=10)
    on = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "channel"], name="one_choice_a_kind_and_channel")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {'开' if self.on else '关'}"


class QuietHours(models.Model):
    """Hours in which a person's ordinary messages wait outside the page; urgent ones never do."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="quiet_hours"
    )
    since = models.TimeField("自")
    until = models.TimeField("至")

    def __str__(self) -> str:
        return f"{self.since:%H:%M}–{self.until:%H:%M}"
