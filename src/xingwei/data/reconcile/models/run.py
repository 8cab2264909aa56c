"""One run of a reconciliation: over which days, from which inputs, with which result."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.policy.querysets import RestrictedQuerySet

from .definition import Reconciliation, Version


class Run(models.Model):
    """inputs: side → list of {name, path, digest, rows}: where the input was and what it was (SHA-256).

    A run's inputs are kept beside its result, so that it can be replayed: the same version over the same digests must
    give the same `outcome_digest`. bridge: one for each pair of sides (services.matching.pair_of). Amounts are yuan.
    problem: why there is no result, a Chinese sentence.
    """

    class Why(models.TextChoices):
        NIGHTLY = "nightly", "每日核对"
        PERIODIC = "periodic", "定时核对"
        CLEARING = "clearing", "清算前核对"
        HAND = "hand", "手工核对"
        REPLAY = "replay", "重放"
        PROOF = "proof", "处理后核对"

    class State(models.TextChoices):
        WAITING = "waiting", "等待"
        RUNNING = "running", "核对中"
        DONE = "done", "完成"
        FAILED = "failed", "没有完成"

    class Verdict(models.TextChoices):
        BALANCED = "balanced", "平"
        DIFFERENCES = "differences", "不平"
        INCOMPLETE = "incomplete", "不完整"

    reconciliation = models.ForeignKey(Reconciliation, models.CASCADE, related_name="runs")
    version = models.ForeignKey(Version, models.PROTECT, related_name="+")
    why = models.CharField("缘由", max_length=8, choices=Why.choices, default=Why.HAND)
    state = models.CharField("状态", max_length=7, choices=State.choices, default=State.WAITING)
    since = models.DateField("起")
    until = models.DateField("止")
    verdict = models.CharField("结论", max_length=11, choices=Verdict.choices, blank=True)
    rows = models.PositiveIntegerField("差异笔数", default=0)
    gap = models.DecimalField("总差额（元）", max_digits=18, decimal_places=2, default=0)
    residual = models.DecimalField("残差（元）", max_digits=18, decimal_places=2, default=0)
    bridge = models.JSONField("桥", default=list)
    facts = models.JSONField("其他结果", default=dict)
    inputs = models.JSONField("输入", default=dict)
    outcome_digest = models.CharField("结果摘要", max_length=64, blank=True)
    problem = models.CharField("没有完成的原因", max_length=1000, blank=True)
    asked_by = models.CharField("谁", max_length=60, blank=True)
    person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    replay_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replays")
    asked_at = models.DateTimeField("提出时间", default=timezone.now)
    began_at = models.DateTimeField("开始时间", null=True, blank=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    seconds = models.FloatField("用时（秒）", null=True, blank=True)

    KIND = "run"
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "核对"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["reconciliation", "-until", "-id"], name="run_by_day"),
            models.Index(fields=["state"], condition=models.Q(state__in=["waiting", "running"]), name="run_open"),
        ]

    def __str__(self) -> str:
        return f"{self.reconciliation.name} {self.until:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("reconcile:run", args=[self.pk])
