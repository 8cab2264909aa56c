"""What people changed of what is sent: the words before and after stay, whoever may read them."""

from __future__ import annotations

from django.db import models

from xingwei.base.accounts.models import User


class Edit(models.Model):
    """A delivery whose bytes a person wrote anew. The message itself is never changed. Append-only."""

    message_id = models.BigIntegerField("消息")
    queued_id = models.BigIntegerField("投递")
    channel_id = models.IntegerField("目的通道")
    at = models.DateTimeField("时间", auto_now_add=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="谁")
    reason = models.CharField("原因", max_length=200)
    before = models.BinaryField("改前")
    after = models.BinaryField("改后")

    class Meta:
        verbose_name = verbose_name_plural = "编辑重放"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["message_id"], name="edit_of_message")]

    def __str__(self) -> str:
        return f"{self.queued_id}"
