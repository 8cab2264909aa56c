"""One difference through all runs: new, persisting, resolved; and what people did about it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import User
from xingwei.base.policy.querysets import RestrictedQuerySet
from xingwei.service.desk.models import Case

from .definition import Reconciliation
from .run import Run


class Difference(models.Model):
    """key: the engine's id of the difference, the same in every run that finds it again.

    left, right, gap: yuan; gap is right minus left as the bridge adds it up. data: the rest of the engine's row: rows
    of proof, fields, suggestion. day: the day in whose books it stands.
    """

    class State(models.TextChoices):
        NEW = "new", "新出现"
        PERSISTING = "persisting", "仍存在"
        RESOLVED = "resolved", "已消除"
        ACCEPTED = "accepted", "已认可"

    reconciliation = models.ForeignKey(Reconciliation, models.CASCADE, related_name="differences")
    key = models.CharField("编号", max_length=80)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.NEW)
    day = models.DateField("账日")
    pair = models.CharField("哪两方", max_length=90)
    kind = models.CharField("种类", max_length=40)
    cause = models.CharField("原因代码", max_length=60)
    title = models.CharField("原因", max_length=40)
    rule = models.CharField("规则", max_length=60, blank=True)
    confidence = models.FloatField("把握", default=1.0)
    left = models.DecimalField("左（元）", max_digits=18, decimal_places=2, null=True)
    right = models.DecimalField("右（元）", max_digits=18, decimal_places=2, null=True)
    gap = models.DecimalField("差（元）", max_digits=18, decimal_places=2)
    reference = models.CharField("哪一笔", max_length=120, blank=True)
    data = models.JSONField("依据", default=dict)
    first_run = models.ForeignKey(Run, models.PROTECT, related_name="+")
    last_run = models.ForeignKey(Run, models.PROTECT, related_name="+")
    times = models.PositiveIntegerField("见过几次", default=1)
    opened_at = models.DateTimeField("发现时间")
    seen_at = models.DateTimeField("最近见到")
    resolved_at = models.DateTimeField("消除时间", null=True, blank=True)
    owner = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="责任人")
    due_at = models.DateTimeField("期限", null=True, blank=True)
    case = models.ForeignKey(Case, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="问题单")

    # what pages put beside a row (queries.board): how a run saw it, its newest remedy, the match that waits
    then: Any
    remedy: Any
    match: Any

    KIND = "difference"
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "差异"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["reconciliation", "key"], name="one_difference_a_key")]
        indexes = [
            models.Index(
                fields=["reconciliation", "day"], condition=models.Q(state__in=["new", "persisting"]), name="diff_open"
            ),
            models.Index(fields=["reconciliation", "last_run"], name="diff_last_run"),
        ]

    def __str__(self) -> str:
        return f"{self.reconciliation.name} 差异 {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("reconcile:difference", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in {self.State.NEW, self.State.PERSISTING}


class Sighting(models.Model):
    """The difference as one run saw it. Written once: an earlier run's page shows what was known then."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="sightings")
    difference = models.ForeignKey(Difference, models.CASCADE, related_name="sightings")
    state = models.CharField(max_length=10, choices=Difference.State.choices)
    pair = models.CharField(max_length=90)
    kind = models.CharField(max_length=40)
    cause = models.CharField(max_length=60)
    title = models.CharField(max_length=40)
    left = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    right = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    gap = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "difference"], name="one_sighting_a_run")]


class Note(models.Model):
    """What somebody wrote about a difference."""

    difference = models.ForeignKey(Difference, models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    author_name = models.CharField(max_length=60)
    text = models.TextField(max_length=2000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]


class ForcedMatch(models.Model):
    """人工认可: somebody says that this is no difference, and why; it holds when a second person agrees."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "待复核"
        AGREED = "agreed", "已认可"
        REFUSED = "refused", "已退回"

    difference = models.ForeignKey(Difference, models.CASCADE, related_name="forced")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.PROPOSED)
    reason = models.CharField("理由", max_length=500)
    proposer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="提出")
    proposed_at = models.DateTimeField(auto_now_add=True)
    decider = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="复核")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField("意见", max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["difference"], condition=models.Q(state="proposed"), name="one_proposed_match"
            ),
            models.CheckConstraint(
                condition=models.Q(decider__isnull=True) | ~models.Q(decider=models.F("proposer")),
                name="forced_match_needs_two",
            ),
        ]
