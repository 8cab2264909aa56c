"""What was found in other systems for a message."""

from __future__ import annotations

from django.db import models


class Lookup(models.Model):
    """One answer to what a rule asked, kept with the message so that it gives the same outcome ever after.

    answer: columns or JSON paths with their texts; NULL: the source knew nothing. Written by the runner, and copied by
    a replay. It may hold a person's data: shown only as part of the processed message, under its masks.
    """

    message_id = models.BigIntegerField("消息")
    message_at = models.DateTimeField("接收时间")
    source = models.CharField("向谁查", max_length=40)
    question = models.TextField("问")
    answer = models.JSONField("答", null=True)
    at = models.DateTimeField("时间")

    objects: models.Manager[Lookup] = models.Manager()

    class Meta:
        verbose_name = verbose_name_plural = "查询结果"
        ordering = ["id"]
        indexes = [models.Index(fields=["message_at"], name="lookup_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["message_id", "source", "question"], name="one_answer_a_question")
        ]

    def __str__(self) -> str:
        return f"{self.source}"
