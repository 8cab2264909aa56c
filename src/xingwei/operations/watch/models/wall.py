"""The big screen's picture: what stands where, as the hospital's file says it."""

from __future__ import annotations

from django.db import models


class Wall(models.Model):
    """One row. document: {nodes: [{name, x, y, of, channels}], lines: [{from, to, channels}]}, as in wall.yaml."""

    document = models.JSONField(default=dict)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "大屏的图"
