"""What was measured: series, their samples (partitioned by day), roll-ups (by month) and what is usual for them.

Samples and roll-ups are written in bulk and read as arrays (queries.series); the models here serve migrations and
single looks. A roll-up is one row a series and day with arrays of 24 hours, so that a year of a series is 365 rows.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from .configuration import Probe


class Series(models.Model):
    """One number that is measured again and again. key: "PROBE/SIGNAL". worse: which way is bad, "" for neither."""

    class Worse(models.TextChoices):
        HIGH = "high", "越高越差"
        LOW = "low", "越低越差"
        NEITHER = "", "都不是"

    id = models.AutoField(primary_key=True)
    key = models.CharField("代号", max_length=160, unique=True)
    probe = models.ForeignKey(Probe, models.CASCADE, null=True, related_name="series", verbose_name="拨测")
    node = models.CharField("对象", max_length=60)
    signal = models.CharField("信号", max_length=80)
    title = models.CharField("名称", max_length=60)
    unit = models.CharField("单位", max_length=12, blank=True)
    worse = models.CharField("方向", max_length=4, choices=Worse.choices, default="", blank=True)
    created_at = models.DateTimeField("登记时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "测量序列"
        ordering = ["key"]
        indexes = [models.Index(fields=["node", "signal"], name="series_of_node")]

    def __str__(self) -> str:
        return self.key


class Sample(models.Model):
    """One measurement. Unmanaged: partitioned by day in Asia/Shanghai, written by binary COPY."""

    series_id = models.IntegerField(primary_key=True)
    at = models.DateTimeField("时间")
    value = models.FloatField("值")

    class Meta:
        db_table = "watch_sample"
        managed = False


class Roll(models.Model):
    """The hours of one day of one series: number of samples, least, median, highest, mean. NULL where n is 0."""

    series_id = models.IntegerField(primary_key=True)
    day = models.DateField("日期")
    n = ArrayField(models.SmallIntegerField(), size=24)
    lo = ArrayField(models.FloatField(null=True), size=24)
    mid = ArrayField(models.FloatField(null=True), size=24)
    hi = ArrayField(models.FloatField(null=True), size=24)
    avg = ArrayField(models.FloatField(null=True), size=24)

    class Meta:
        db_table = "watch_roll"
        managed = False


class Baseline(models.Model):
    """What is usual for a series at each hour of each weekday (168 slots from Monday 0:00): median and spread.

    drift: change a day by the slope of the last weeks, in the series' unit; drift_said is empty where there is none.
    """

    series = models.OneToOneField(Series, models.CASCADE, primary_key=True, related_name="baseline")
    made_at = models.DateTimeField("计算时间")
    days = models.PositiveSmallIntegerField("依据天数")
    mid = ArrayField(models.FloatField(null=True), size=168, verbose_name="中位数")
    spread = ArrayField(models.FloatField(null=True), size=168, verbose_name="离散")
    level = models.FloatField("总体水平", null=True)
    drift = models.FloatField("每天变化", null=True)
    drift_since = models.DateField("自", null=True)
    drift_said = models.CharField("漂移", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "基线"


class DayKind(models.Model):
    """As which weekday a date counts for the baselines (0 Monday … 6 Sunday): public holidays as Sunday, make-up
    workdays as Monday. Dates that are not here count as themselves."""

    day = models.DateField(primary_key=True)
    weekday = models.SmallIntegerField()

    class Meta:
        db_table = "watch_day_kind"
