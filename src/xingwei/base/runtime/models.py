from __future__ import annotations

from django.db import models


class Installation(models.Model):
    """One row: what this database was made for, decided at its first start."""

    class Mode(models.TextChoices):
        DEMO = "demo", "演示数据"
        EMPTY = "empty", "正式使用"

    mode = models.CharField(max_length=8, choices=Mode.choices)
    made_at = models.DateTimeField(auto_now_add=True)
    version = models.CharField(max_length=40)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="installation_is_one")]

    def __str__(self) -> str:
        return self.get_mode_display()


class SetupStep(models.Model):
    """A set-up step that came to its end, with the fingerprint of the files that it read."""

    name = models.CharField(max_length=200, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    done_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
