"""The working calendar's versions: append-only, the newest is in force."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.urls import reverse

from xingwei.base.policy.querysets import RestrictedQuerySet


class CalendarVersion(models.Model):
    """One whole calendar: every arranged year and the working hours. Never changed, never deleted.

    years: year as text → what calendars/YEAR.yaml holds. hours: what calendars/hours.yaml holds.
    """

    number = models.CharField("版本", max_length=12, unique=True)
    years = models.JSONField("各年安排")
    hours = models.JSONField("上班时间")
    note = models.CharField("说明", max_length=200, blank=True)
    published_at = models.DateTimeField("发布时间")
    published_by = models.CharField("发布人", max_length=80)
    publisher_id = models.BigIntegerField("发布人账号", null=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("calendar:version", args=[self.number])

    def year_data(self, year: int) -> dict[str, Any] | None:
        """What this version holds of one year, or None."""
        data: dict[str, Any] | None = self.years.get(str(year))
        return data
