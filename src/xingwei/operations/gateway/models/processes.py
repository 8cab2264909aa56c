"""What the gateway's processes hold and say about themselves."""

from __future__ import annotations

from django.db import models

from .configuration import Channel


class Process(models.Model):
    """A running gateway process."""

    name = models.CharField("名称", max_length=40, unique=True)
    host = models.CharField("主机", max_length=120)
    pid = models.IntegerField("进程号")
    started_at = models.DateTimeField("启动时间")
    seen_at = models.DateTimeField("最近心跳")

    class Meta:
        verbose_name = verbose_name_plural = "网关进程"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """Which process holds a channel, until when. epoch: rises with each holder; a write under an older one is refused."""

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="lease")
    process = models.ForeignKey(Process, models.SET_NULL, null=True)
    epoch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField("到期", null=True)
    problem = models.CharField("不能运行的原因", max_length=300, blank=True)


class Breaker(models.Model):
    """The breaker of a way out, as its holder last wrote it; `cut` and its end are written by people."""

    class State(models.TextChoices):
        CLOSED = "closed", "闭合"
        OPEN = "open", "已熔断"
        HALF_OPEN = "half_open", "半开"
        CUT = "cut", "人工切断"

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="breaker_now")
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.CLOSED)
    since = models.DateTimeField("自")
    until = models.DateTimeField("到", null=True)
    reason = models.CharField("原因", max_length=300, blank=True)
    by = models.CharField("谁", max_length=40, blank=True)
    window = models.JSONField("窗口", default=dict, blank=True)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "熔断"


class BreakerEvent(models.Model):
    """A change of a breaker's state."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="breaker_events")
    at = models.DateTimeField("时间")
    before = models.CharField("原状态", max_length=9)
    after = models.CharField("新状态", max_length=9)
    reason = models.CharField("原因", max_length=300, blank=True)
    by = models.CharField("谁", max_length=40, blank=True)
    window = models.JSONField("窗口", default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["channel", "-at"], name="breaker_history")]


class Gauge(models.Model):
    """What a holder says about a channel every two seconds: rates, queue, ages, latencies (engine.gauges)."""

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="gauge")
    at = models.DateTimeField("时间")
    values = models.JSONField("数值", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "通道实况"
