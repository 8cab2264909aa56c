"""Who was on site, from when to when, where (clause 9.5)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.policy.querysets import RestrictedQuerySet


class Attendance(models.Model):
    """One sign-in with its sign-out. A correction says who made it and why."""

    person = models.ForeignKey(User, models.PROTECT, related_name="attendances", verbose_name="人员")
    signed_in_at = models.DateTimeField("签到", default=timezone.now)
    signed_out_at = models.DateTimeField("签退", null=True, blank=True)
    place = models.CharField("地点", max_length=40, blank=True)
    address = models.CharField("来源地址", max_length=64, blank=True)
    corrected_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="更正人"
    )
    corrected_why = models.CharField("更正原因", max_length=200, blank=True)

    SCOPES = {"own": ("person_id",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-signed_in_at", "-id"]
        indexes = [models.Index(fields=["signed_in_at"], name="attendance_time")]
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(signed_out_at__isnull=True), name="one_open_attendance_a_person"
            ),
            models.CheckConstraint(
                condition=Q(signed_out_at__isnull=True) | Q(signed_out_at__gte=F("signed_in_at")),
                name="signed_out_after_in",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {timezone.localtime(self.signed_in_at):%m-%d %H:%M}"
