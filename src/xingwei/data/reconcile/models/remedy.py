"""What is to be done about a difference: proposed, approved by two persons, done, proved."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import User
from xingwei.base.policy.querysets import RestrictedQuerySet

from .difference import Difference
from .run import Run


class Remedy(models.Model):
    """action: a key of engine/remedies. precondition: what was found when it was checked, with the answer's number.

    It is carried out when two persons agreed, one of the business side and one of the technical side, neither of them
    who proposed it; and it is proved when a later run no longer finds the difference.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "待双人批准"
        APPROVED = "approved", "已批准"
        RUNNING = "running", "处理中"
        DONE = "done", "已处理，待证明"
        PROVED = "proved", "已证明"
        FAILED = "failed", "没有办成"
        REFUSED = "refused", "已退回"

    difference = models.ForeignKey(Difference, models.CASCADE, related_name="remedies")
    action = models.CharField("处理", max_length=30)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.PROPOSED)
    reason = models.CharField("说明", max_length=300, blank=True)
    met = models.BooleanField("前提满足", null=True)
    precondition = models.CharField("前提", max_length=300, blank=True)
    checked_at = models.DateTimeField("查证时间", null=True, blank=True)
    evidence = models.JSONField("查证所得", default=dict)
    result = models.CharField("结果", max_length=500, blank=True)
    answer = models.JSONField("应答", default=dict)
    proposer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="提出")
    proposer_name = models.CharField(max_length=60, blank=True)
    proposed_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField("处理时间", null=True, blank=True)
    proof = models.ForeignKey(Run, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="证明")

    KIND = "remedy"
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "差异处理"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["difference"], condition=models.Q(state__in=["proposed", "approved", "running", "done"]),
                name="one_open_remedy",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"差异 {self.difference_id} 的处理"

    def get_absolute_url(self) -> str:
        return reverse("reconcile:difference", args=[self.difference_id])


class Approval(models.Model):
    """One person's agreement to a remedy."""

    class Side(models.TextChoices):
        BUSINESS = "business", "医保办与财务科"
        TECHNICAL = "technical", "信息科与服务商"

    remedy = models.ForeignKey(Remedy, models.CASCADE, related_name="approvals")
    side = models.CharField(max_length=9, choices=Side.choices)
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["remedy", "side"], name="one_approval_a_remedy_side")]
