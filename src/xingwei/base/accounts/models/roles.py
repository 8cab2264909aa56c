"""Which roles a person holds, and the second pair of eyes that an administration needs."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from xingwei.base.policy.registry import roles

from .people import User


def role_label(role: str) -> str:
    return str(roles().get(role, {}).get("label", role))


class RoleAssignmentQuerySet(models.QuerySet["RoleAssignment"]):
    def in_force(self) -> Any:
        today = timezone.localdate()
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=today),
            Q(valid_until__isnull=True) | Q(valid_until__gte=today),
        )


class RoleAssignment(models.Model):
    """A person holds a role, for a time, for some systems (empty: for all).

    A trigger (migration 0003) refuses what 三员分立 forbids, whoever writes the row.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="assignments")
    role = models.CharField("角色", max_length=40)
    systems = models.JSONField("所管系统", default=list, blank=True)
    valid_from = models.DateField("自", null=True, blank=True)
    valid_until = models.DateField("至", null=True, blank=True)

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["user", "role"]
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="one_assignment_a_role")]

    def __str__(self) -> str:
        return f"{self.user}：{self.label}"

    @property
    def label(self) -> str:
        return role_label(self.role)

    @property
    def note(self) -> str:
        """What the role is for."""
        return str(roles().get(self.role, {}).get("note", ""))

    def is_in_force(self) -> bool:
        today = timezone.localdate()
        return (self.valid_from is None or self.valid_from <= today) and (
            self.valid_until is None or self.valid_until >= today
        )


class RoleProposal(models.Model):
    """An administration role waiting for a second person's word."""

    class State(models.TextChoices):
        OPEN = "open", "待确认"
        CONFIRMED = "confirmed", "已确认"
        REFUSED = "refused", "已拒绝"

    user = models.ForeignKey(User, models.CASCADE, related_name="role_proposals", verbose_name="授予")
    role = models.CharField("角色", max_length=40)
    valid_from = models.DateField("自", null=True, blank=True)
    valid_until = models.DateField("至", null=True, blank=True)
    reason = models.CharField("理由", max_length=200)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="提出人")
    proposed_at = models.DateTimeField("提出时间", default=timezone.now)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="确认人")
    decided_at = models.DateTimeField("确认时间", null=True, blank=True)

    class Meta:
        ordering = ["-proposed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role"], condition=Q(state="open"), name="one_open_proposal_a_role"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=models.F("proposed_by")),
                name="decided_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return f"授予 {self.user} {self.label}"

    @property
    def label(self) -> str:
        return role_label(self.role)


class RoleClass(models.Model):
    """What the policy says of a role, as far as the trigger on RoleAssignment needs it.

    Rewritten from roles.yaml and every grants.yaml after each migrate; never edited by hand.
    """

    role = models.CharField(max_length=40, primary_key=True)
    admin = models.CharField(max_length=10, blank=True)
    data = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.role
