from __future__ import annotations

from django.db import models


class SettingValue(models.Model):
    """A setting that differs from its default."""

    key = models.CharField(max_length=80, primary_key=True)
    value = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.key
