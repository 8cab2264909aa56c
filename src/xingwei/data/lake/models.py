"""What the lake knows of its files: mappings and their versions, runs of extracts, parts, quality, growth.

A part is a Parquet file with the rows of one mapping and one day. A file counts from the moment when its row here is
committed; a file without a row is nobody's and is swept away.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from xingwei.base.connections.models import Connection
from xingwei.base.policy.querysets import RestrictedQuerySet

from .engine import datasets


class Mapping(models.Model):
    """How the rows of one dataset come out of one business database. The document is data; versions keep its past."""

    code = models.CharField("代码", max_length=60, unique=True)
    dataset = models.CharField("数据集", max_length=40, db_index=True)
    title = models.CharField("名称", max_length=80)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="mappings")
    document = models.JSONField()
    version = models.PositiveIntegerField("版本", default=1)
    enabled = models.BooleanField("启用", default=True)
    every_minutes = models.PositiveIntegerField("间隔（分）", default=60)
    since = models.DateField("从哪天开始", null=True)
    mark = models.DateTimeField("水位", null=True)  # in the source, everything before was read
    done_through = models.DateField("历史抽到", null=True)  # the backfill: every day before is in the lake
    late_at = models.DateTimeField(null=True)  # when the late days were last read again
    recounted_to = models.DateField(null=True)  # where the next recount of the past begins
    checked_at = models.DateTimeField("最近一次完成", null=True)
    problem = models.CharField("最近的问题", max_length=500, blank=True, default="")
    problem_since = models.DateTimeField(null=True)
    case_number = models.CharField(max_length=20, blank=True, default="")

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["dataset", "code"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("lake:mapping", args=[self.code])

    @property
    def canonical(self) -> datasets.Dataset:
        return datasets.datasets()[self.dataset]


class MappingVersion(models.Model):
    """What a mapping said when; parts name the version by which they were made."""

    mapping = models.ForeignKey(Mapping, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mapping", "number"], name="lake_mapping_version_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.mapping.title} 第 {self.number} 版"


class Extract(models.Model):
    """One run of one mapping: what was read, written and found, and what it cost."""

    class State(models.TextChoices):
        RUNNING = "running", "进行中"
        DONE = "done", "完成"
        FAILED = "failed", "没有完成"
        INTERRUPTED = "interrupted", "中断，下次接着抽"

    mapping = models.ForeignKey(Mapping, models.CASCADE, related_name="extracts")
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField("开始")
    ended_at = models.DateTimeField("结束", null=True)
    days = models.PositiveIntegerField("天数", default=0)
    rows = models.PositiveBigIntegerField("读取行数", default=0)
    written = models.PositiveIntegerField("写入分区", default=0)
    unchanged = models.PositiveIntegerField("没有变化的分区", default=0)
    bytes = models.PositiveBigIntegerField("写入字节", default=0)
    source_s = models.FloatField("占用业务库（秒）", default=0)
    total_s = models.FloatField("总用时（秒）", default=0)
    processor_s = models.FloatField("处理器（秒）", default=0)
    problem = models.CharField(max_length=500, blank=True, default="")

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["mapping", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.mapping} {self.started_at:%Y-%m-%d %H:%M}"


class Part(models.Model):
    """A committed file. digest: SHA-256 of its bytes. sums: of its money fields, as text, equal to the source's."""

    mapping = models.ForeignKey(Mapping, models.CASCADE, related_name="parts")
    dataset = models.CharField(max_length=40)
    day = models.DateField(null=True)  # None: a snapshot
    path = models.CharField(max_length=300)  # below the lake's directory
    rows = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    sums = models.JSONField(default=dict)
    mapping_version = models.PositiveIntegerField()
    extract = models.ForeignKey(Extract, models.SET_NULL, null=True, related_name="parts")
    written_at = models.DateTimeField()
    checked_at = models.DateTimeField()  # last compared with the source and found equal

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mapping", "day"], name="lake_part_once", nulls_distinct=False),
        ]
        indexes = [models.Index(fields=["dataset", "day"])]

    def __str__(self) -> str:
        return self.path


class Retired(models.Model):
    """A file that a newer one replaced; it stays for a while, so that who reads it now is not disturbed."""

    path = models.CharField(max_length=300)
    retired_at = models.DateTimeField(db_index=True)


class RuleOfHouse(models.Model):
    """A rule of quality of this hospital, beside those of the datasets."""

    dataset = models.CharField(max_length=40)
    code = models.CharField(max_length=40)
    document = models.JSONField(default=dict)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "code"], name="lake_rule_once")]
        ordering = ["dataset", "code"]

    def __str__(self) -> str:
        return str(self.document.get("title", self.code))


class QualityCount(models.Model):
    """How many rows of a day a rule looked at, and how many it found bad."""

    dataset = models.CharField(max_length=40)
    rule = models.CharField(max_length=80)
    day = models.DateField()
    looked = models.PositiveBigIntegerField()
    bad = models.PositiveBigIntegerField()
    samples = models.JSONField(default=list)  # keys of some bad rows, never their contents
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "rule", "day"], name="lake_quality_once")]
        indexes = [models.Index(fields=["day"])]


class QualityIssue(models.Model):
    """A rule that is broken: since when, how much, and who looks after it."""

    class State(models.TextChoices):
        OPEN = "open", "存在"
        ACCEPTED = "accepted", "已知，接受"
        RESOLVED = "resolved", "已消失"

    dataset = models.CharField(max_length=40)
    rule = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    first_day = models.DateField()
    last_day = models.DateField()
    bad = models.PositiveBigIntegerField()  # in the days that are looked at
    share = models.FloatField()  # of the worst day
    alarming = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    case_number = models.CharField(max_length=20, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")
    noted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "rule"], condition=~Q(state="resolved"), name="lake_issue_once")
        ]
        ordering = ["-alarming", "-bad", "pk"]

    def __str__(self) -> str:
        return self.title


class Growth(models.Model):
    """What a dataset holds at the end of a day, and what it cost that day."""

    dataset = models.CharField(max_length=40)
    day = models.DateField()
    rows = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    parts = models.PositiveIntegerField()
    read = models.PositiveBigIntegerField(default=0)
    source_s = models.FloatField(default=0)
    processor_s = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "day"], name="lake_growth_once")]
