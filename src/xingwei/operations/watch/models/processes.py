"""What the watching processes hold and say: processes, shares of the probes, states, and when nobody watched."""

from __future__ import annotations

from django.db import models

from .configuration import Probe


class Process(models.Model):
    """A running `watch` process. seen_at is written every two seconds: the age of the newest says whether all is blind."""

    name = models.CharField("名称", max_length=40, unique=True)
    host = models.CharField("主机", max_length=120)
    pid = models.IntegerField("进程号")
    started_at = models.DateTimeField("启动时间")
    seen_at = models.DateTimeField("最近心跳")
    rate = models.FloatField("次/分", default=0)
    late = models.IntegerField("迟到的拨测", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "监测进程"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """Which process holds a share of the probes (probe id modulo the number of shares), until when."""

    share = models.SmallIntegerField(primary_key=True)
    process = models.ForeignKey(Process, models.SET_NULL, null=True)
    expires_at = models.DateTimeField("到期", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "拨测的分担"


class Blind(models.Model):
    """A time in which no process watched, found by whoever came back first. Shown on pages, charts and in uptime."""

    since = models.DateTimeField("起")
    until = models.DateTimeField("止")
    why = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "没有监测的时段"
        ordering = ["-since"]
        indexes = [models.Index(fields=["until"], name="blind_until")]

    def __str__(self) -> str:
        return f"{self.since:%m-%d %H:%M:%S}–{self.until:%m-%d %H:%M:%S}"


class ProbeState(models.Model):
    """The last result of a probe, written by whoever holds its share; an older result never overwrites a newer one."""

    class State(models.TextChoices):
        OK = "ok", "正常"
        WARN = "warn", "受影响"
        DOWN = "down", "异常"

    probe = models.OneToOneField(Probe, models.CASCADE, primary_key=True, related_name="now")
    at = models.DateTimeField("最近结果")
    state = models.CharField("状态", max_length=4, choices=State.choices)
    since = models.DateTimeField("自")
    ok = models.BooleanField("通过", default=True)
    said = models.CharField("情况", max_length=300, blank=True)
    ms = models.FloatField("用时（毫秒）", null=True)
    values = models.JSONField("数值", default=dict)
    odd = models.JSONField("偏离平常", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "拨测现状"
        indexes = [models.Index(fields=["state"], name="probe_state")]
