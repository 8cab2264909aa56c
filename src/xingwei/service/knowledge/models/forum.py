"""The technicians' forum (clause 9.2d): free topics, and the comments of guides."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import System
from xingwei.base.policy.querysets import RestrictedQuerySet

from .guides import Guide


class Topic(models.Model):
    """guide: the guide whose comments these are; such a topic has no title of its own."""

    title = models.CharField("标题", max_length=100)
    guide = models.OneToOneField(Guide, models.CASCADE, null=True, blank=True, related_name="topic")
    system = models.ForeignKey(System, models.PROTECT, null=True, blank=True, verbose_name="系统")
    opened_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="发起人")
    opened_at = models.DateTimeField("发起时间", default=timezone.now)
    last_post_at = models.DateTimeField("最近回复", default=timezone.now)
    posts_count = models.PositiveIntegerField("回复数", default=0)
    closed_at = models.DateTimeField("结束时间", null=True, blank=True)
    pinned = models.BooleanField("置顶", default=False)
    grams = ArrayField(models.IntegerField(), default=list, blank=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-pinned", "-last_post_at", "-id"]
        indexes = [
            GinIndex(fields=["grams"], name="topic_grams", opclasses=["array_ops"]),
            models.Index(F("last_post_at").desc(), F("id").desc(), name="topic_newest"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("knowledge:topic", args=[self.pk])


class Post(models.Model):
    """A hidden post stays, with who hid it and why; what it said before an edit stands in the journal."""

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="posts")
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="作者")
    text = models.TextField("内容")
    at = models.DateTimeField("时间", default=timezone.now)
    edited_at = models.DateTimeField("修改时间", null=True, blank=True)
    hidden_at = models.DateTimeField("隐藏时间", null=True, blank=True)
    hidden_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="隐藏人")
    hidden_why = models.CharField("隐藏原因", max_length=200, blank=True)

    SCOPES = {"own": ("author_id",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"

    def get_absolute_url(self) -> str:
        return (
            f"{self.topic.guide.get_absolute_url() if self.topic.guide else self.topic.get_absolute_url()}#p{self.pk}"
        )


class Subscription(models.Model):
    """Who is told of new posts in a topic."""

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="subscriptions")
    person = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "person"], name="one_subscription_a_topic")]

    def __str__(self) -> str:
        return f"{self.person} 关注 {self.topic}"
