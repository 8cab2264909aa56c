"""Statements of the business databases, what they used hour by hour, and advice with its effect (clause 9.3)."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.policy.querysets import RestrictedQuerySet


class Reading(models.Model):
    """One look at a database's own statistics of statements. counters: {key: [calls, total ms, rows, blocks read]}."""

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="+")
    at = models.DateTimeField("时间")
    counters = models.JSONField(default=dict)
    problem = models.CharField("问题", max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["connection", "-at"], name="performance_reading_at")]


class Statement(models.Model):
    """A statement as the database normalises it: its constants are parameters, so no patient stands in it."""

    connection = models.ForeignKey("connections.Connection", models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    text = models.TextField("语句")
    first_at = models.DateTimeField("最早见到")
    last_at = models.DateTimeField("最近见到")
    ignored = models.CharField("不再关注的原因", max_length=200, blank=True, default="")

    SCOPES = {"system": ("connection__system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "key"], name="performance_statement_once")]

    def __str__(self) -> str:
        return self.text[:80]

    def get_absolute_url(self) -> str:
        return reverse("performance:statement", args=[self.pk])


class Usage(models.Model):
    """What a statement used in one hour."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="usages")
    hour = models.DateTimeField("小时")
    calls = models.BigIntegerField("次数")
    total_ms = models.FloatField("总用时（毫秒）")
    rows = models.BigIntegerField("返回行数")
    read = models.BigIntegerField("读盘块数")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["statement", "hour"], name="performance_usage_once")]
        indexes = [models.Index(fields=["hour"], name="performance_usage_hour")]


class Advice(models.Model):
    """What came of looking at a statement on a copy, and what became of the advice."""

    class State(models.TextChoices):
        RUNNING = "running", "正在副本上试"
        FAILED = "failed", "没有试成"
        NOTHING = "nothing", "没有可改的"
        OPEN = "open", "待采纳"
        ADOPTED = "adopted", "已采纳，待实施"
        APPLIED = "applied", "已实施"
        DECLINED = "declined", "不采纳"

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="advice")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.RUNNING)
    asked_at = models.DateTimeField("提出时间")
    by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")
    done_at = models.DateTimeField("试完时间", null=True)
    cause = models.CharField("原因", max_length=40, blank=True, default="")
    words = models.TextField("建议", blank=True, default="")
    change = models.TextField("改动", blank=True, default="")  # SQL, where there is one
    before = models.JSONField("改动前", default=dict)  # {"cost", "plan": [lines]}
    after = models.JSONField("改动后", default=dict)
    problem = models.CharField("问题", max_length=500, blank=True, default="")
    reason = models.CharField("理由", max_length=200, blank=True, default="")
    case = models.ForeignKey("desk.Case", models.SET_NULL, null=True, blank=True, related_name="+")
    applied_at = models.DateTimeField("实施时间", null=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["statement"], condition=models.Q(state="running"), name="performance_one_trial_at_a_time"
            )
        ]
