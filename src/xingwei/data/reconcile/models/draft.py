"""A reconciliation that somebody is making in the wizard, before it is saved."""

from __future__ import annotations

from django.db import models

from xingwei.base.accounts.models import User


class Draft(models.Model):
    """files: side → {name, digest, size}. document: the specification proposed, then changed by its author."""

    author = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=60, blank=True)
    files = models.JSONField(default=dict)
    document = models.JSONField(default=dict)
    proposal = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
