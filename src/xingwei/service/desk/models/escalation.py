"""The escalation of a case: a copy of the chain as it stood, so that later edits do not touch it."""

from __future__ import annotations

from django.db import models

from xingwei.base.accounts.models import User

from .case import Case


class Escalation(models.Model):
    case = models.OneToOneField(Case, models.CASCADE, related_name="escalation")
    chain = models.JSONField(help_text="the chain of rota as it stood when the case was opened")
    started_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    next_step_at = models.DateTimeField(null=True, blank=True, db_index=True)
    next_step = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.case_id}：第 {self.next_step} 步"


class EscalationStep(models.Model):
    """A step that was taken: whom it called, when it was due, when it went out."""

    escalation = models.ForeignKey(Escalation, models.CASCADE, related_name="steps")
    step = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    told = models.JSONField(default=list, help_text="names and channels")
    late = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["escalation", "step"], name="one_firing_a_step")]

    def __str__(self) -> str:
        return f"{self.escalation_id}/{self.step}"
