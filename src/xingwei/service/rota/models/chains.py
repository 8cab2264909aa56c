"""Escalation chains and their versions (clauses 9.1, 9.2a)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import System


class EscalationChain(models.Model):
    """For one severity (0: any) and one system (none: any). Its newest version is in force."""

    severity = models.PositiveSmallIntegerField("故障等级", default=0)
    system = models.ForeignKey(System, models.PROTECT, null=True, blank=True, verbose_name="系统")
    name = models.CharField("名称", max_length=60)
    active = models.BooleanField("启用", default=True)

    class Meta:
        ordering = ["severity", "system__order", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["severity", "system"], nulls_distinct=False, name="one_chain_a_severity_and_system"
            ),
            models.CheckConstraint(condition=Q(severity__lte=3), name="chain_severity_known"),
        ]

    def __str__(self) -> str:
        return self.name


class ChainVersion(models.Model):
    """Append-only. steps: as in engine/chain.py, copied onto each case that is opened under it."""

    chain = models.ForeignKey(EscalationChain, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField("版本")
    steps = models.JSONField("步骤")
    note = models.CharField("说明", max_length=200, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="修改人")
    saved_at = models.DateTimeField("修改时间", default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="one_chain_version_a_number")]

    def __str__(self) -> str:
        return f"{self.chain} 第 {self.number} 版"
