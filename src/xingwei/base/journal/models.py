"""The journal's table. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One act: who, when, from where, what, on what, before and after (governance-security.md section 3)."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("时间")
    actor_id = models.BigIntegerField("账号", null=True)
    actor_name = models.CharField("姓名", max_length=80)
    organisation = models.CharField("单位", max_length=80, blank=True)
    address = models.CharField("来源地址", max_length=64, blank=True)
    via = models.CharField("途径", max_length=20)
    act = models.CharField("动作", max_length=80, help_text="room.thing.verb")
    target_type = models.CharField("对象类型", max_length=60, blank=True)
    target_id = models.CharField("对象编号", max_length=64, blank=True)
    target_label = models.CharField("对象", max_length=200, blank=True)
    summary = models.CharField("摘要", max_length=500)
    before = models.JSONField("之前", null=True)
    after = models.JSONField("之后", null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["target_type", "target_id", "-id"], name="journal_target"),
            models.Index(fields=["actor_id", "-id"], name="journal_actor"),
            models.Index(fields=["act", "-id"], name="journal_act"),
            models.Index(fields=["-at", "-id"], name="journal_time"),
        ]

    def __str__(self) -> str:
        return self.summary
