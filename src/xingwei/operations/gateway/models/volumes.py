"""What goes through in numbers: by minute, hour and day; queues, space, alerts, archives."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from xingwei.service.desk.models import Case

from .configuration import Channel


class Volume(models.Model):
    """How many of what in one minute, hour or day; recomputed from the rows, never counted up.

    stage: received (messages of a way in), waited (time in the queue of a way out), sent (answered deliveries of a
    way out), failed (attempts that did not succeed). code: state, outcome or error. latency: counts by the edges of
    engine.volumes.EDGES_MS; of `waited` the time in the queue.
    """

    class Grain(models.TextChoices):
        MINUTE = "m", "分钟"
        HOUR = "h", "小时"
        DAY = "d", "日"

    class Stage(models.TextChoices):
        RECEIVED = "received", "接收"
        WAITED = "waited", "排队"
        SENT = "sent", "投递"
        FAILED = "failed", "失败"

    grain = models.CharField(max_length=1, choices=Grain.choices)
    at = models.DateTimeField("时间")
    channel_id = models.IntegerField("通道")
    stage = models.CharField("环节", max_length=8, choices=Stage.choices)
    code = models.TextField("代码", blank=True)
    count = models.BigIntegerField("条数", default=0)
    bytes = models.BigIntegerField("字节数", default=0)
    latency = ArrayField(models.BigIntegerField(), default=list, verbose_name="用时分布")

    class Meta:
        db_table = "gateway_volume"
        verbose_name = verbose_name_plural = "流量"
        constraints = [
            models.UniqueConstraint(fields=["grain", "at", "channel_id", "stage", "code"], name="one_volume_row")
        ]
        indexes = [models.Index(fields=["channel_id", "grain", "at"], name="volume_of_channel")]


class QueueSample(models.Model):
    """What waited for a way out at the beginning of a minute."""

    at = models.DateTimeField("时间")
    channel_id = models.IntegerField("通道")
    waiting = models.IntegerField("等待", default=0)
    uncertain = models.IntegerField("结果不明", default=0)
    dead = models.IntegerField("死信", default=0)
    oldest_s = models.FloatField("最久等待（秒）", default=0)
    bytes = models.BigIntegerField("字节数", default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel_id", "at"], name="one_queue_sample")]


class SpaceSample(models.Model):
    """What the gateway's tables and the disk held on a day (the last measurement of the day)."""

    day = models.DateField("日期", unique=True)
    at = models.DateTimeField("时间")
    traffic_bytes = models.BigIntegerField("报文表字节数")
    queue_bytes = models.BigIntegerField("队列字节数")
    volume_bytes = models.BigIntegerField("统计字节数")
    database_bytes = models.BigIntegerField("数据库字节数")
    archive_bytes = models.BigIntegerField("归档字节数")
    disk_total = models.BigIntegerField("磁盘总量", null=True)
    disk_free = models.BigIntegerField("磁盘可用", null=True)

    class Meta:
        ordering = ["day"]


class Watermark(models.Model):
    """Up to when a reader of the messages has read."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """A trouble that is watched: one row a kind and channel. engine.alerts decides its next state."""

    class State(models.TextChoices):
        QUIET = "quiet", "正常"
        PENDING = "pending", "观察中"
        FIRING = "firing", "告警"
        ENDING = "ending", "恢复中"

    key = models.CharField("代号", max_length=80, unique=True)
    kind = models.CharField("类别", max_length=20)
    channel = models.ForeignKey(Channel, models.CASCADE, null=True, blank=True, verbose_name="通道")
    state = models.CharField("状态", max_length=7, choices=State.choices, default=State.QUIET)
    since = models.DateTimeField("自")
    fact = models.CharField("情况", max_length=300, blank=True)
    worst = models.FloatField("最重", default=0)
    case = models.ForeignKey(Case, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="问题")
    opened_at = models.DateTimeField("开始", null=True, blank=True)
    cleared_at = models.DateTimeField("结束", null=True, blank=True)
    times = models.PositiveIntegerField("次数", default=0)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "接口告警"
        ordering = ["-since"]
        indexes = [models.Index(fields=["case"], name="alert_of_case")]

    def __str__(self) -> str:
        return self.key


class Archive(models.Model):
    """One day of one table in a Parquet file, and whether its partition is still in the database.

    digest: SM3 over all rows in order (engine.archive), the same for the table and for the file, or nothing is
    dropped.
    """

    class State(models.TextChoices):
        WRITTEN = "written", "已归档"
        DROPPED = "dropped", "只在归档"
        RESTORED = "restored", "已取回"

    table = models.CharField("表", max_length=20)
    day = models.DateField("日期")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.WRITTEN)
    path = models.CharField("文件", max_length=300)
    rows = models.BigIntegerField("行数")
    digest = models.CharField("SM3", max_length=64)
    table_bytes = models.BigIntegerField("表字节数", default=0)
    file_bytes = models.BigIntegerField("文件字节数", default=0)
    kept_rows = models.BigIntegerField("留下的异常行", default=0)
    archived_at = models.DateTimeField("归档时间")
    dropped_at = models.DateTimeField("清出时间", null=True, blank=True)
    restored_until = models.DateTimeField("取回至", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "归档"
        ordering = ["-day", "table"]
        constraints = [models.UniqueConstraint(fields=["table", "day"], name="one_archive_a_day")]

    def __str__(self) -> str:
        return f"{self.table} {self.day}"
