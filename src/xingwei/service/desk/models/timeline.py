"""What happened to a case, append-only, and the files kept with it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from xingwei.base.accounts.models import User

from .case import Case


class CaseEvent(models.Model):
    """One line of the timeline, and one event of the clocks.

    type: opened, responded, arrived, level_changed, paused, resumed, agreed, bulletin, assigned, noted, moved,
    answered, resolved, restored, reopened, confirmed, closed, merged, linked, … data: what the clocks need.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="events", db_index=False)  # leads event_of_case
    at = models.DateTimeField("时间", default=timezone.now)
    type = models.CharField("类型", max_length=20)
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField("谁", max_length=40)
    said = models.CharField("做了什么", max_length=300)
    text = models.TextField("内容", max_length=5000, blank=True)
    data = models.JSONField(default=dict, blank=True)
    internal = models.BooleanField("仅内部可见", default=False)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["case", "-at", "-id"], name="event_of_case")]

    def __str__(self) -> str:
        return self.said


class Attachment(models.Model):
    """A file of a case. Stored under its SHA-256; the type is what the bytes say, not what the name says."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="attachments")
    event = models.ForeignKey(CaseEvent, models.SET_NULL, null=True, blank=True, related_name="attachments")
    name = models.CharField("文件名", max_length=150)
    digest = models.CharField(max_length=64, db_index=True)
    media_type = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField("大小（字节）")
    internal = models.BooleanField("仅内部可见", default=False)
    uploaded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["uploaded_at", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_image(self) -> bool:
        return self.media_type in {"image/jpeg", "image/png", "image/webp", "image/gif"}
