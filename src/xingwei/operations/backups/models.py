"""Backup plans, the copies that they have, and every trial of a copy."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.policy.querysets import RestrictedQuerySet


class Plan(models.Model):
    """What is backed up how, how often, how long it is kept, and how old each proof may become (clause 6.1a)."""

    class Maker(models.TextChoices):
        XINGWEI = "xingwei", "杏维执行"
        HOSPITAL = "hospital", "医院自己的程序执行"

    class Form(models.TextChoices):
        PG_DUMP = "pg_dump", "PostgreSQL 导出（pg_dump）"
        PG_BASE = "pg_base", "PostgreSQL 物理备份（pg_basebackup 目录）"
        MYSQL = "mysql", "MySQL / MariaDB 导出（.sql 或 .sql.gz）"
        ARCHIVE = "archive", "文件包（zip、tar、tar.gz）"

    code = models.CharField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=80)
    system = models.ForeignKey("estate.System", models.SET_NULL, null=True, blank=True, related_name="+")
    connection = models.ForeignKey("connections.Connection", models.PROTECT, null=True, blank=True, related_name="+")
    maker = models.CharField("由谁执行", max_length=8, choices=Maker.choices, default=Maker.XINGWEI)
    form = models.CharField("备份的形式", max_length=8, choices=Form.choices)
    directory = models.CharField("备份所在目录", max_length=300, blank=True, default="")
    pattern = models.CharField(
        "文件名样式", max_length=120, blank=True, default=""
    )  # glob, of the hospital's own copies
    at = models.TimeField("几点")
    weekdays = models.JSONField("星期几", default=list)  # [1, …, 7], Monday first
    late_hours = models.PositiveSmallIntegerField("超过几小时算没有备份", default=6)
    keep_days = models.PositiveSmallIntegerField("保留几天", default=7)
    keep_weeks = models.PositiveSmallIntegerField("保留几周", default=4)
    keep_months = models.PositiveSmallIntegerField("保留几个月", default=3)
    verify_days = models.PositiveSmallIntegerField("几天内校验过", default=2)
    restore_days = models.PositiveSmallIntegerField("几天内恢复演练过", default=30)
    sentinels = models.JSONField("核对的表", default=list)  # [{"table", "rows", "newest", "within_hours"}]
    enabled = models.BooleanField("启用", default=True)
    note = models.CharField("备注", max_length=200, blank=True, default="")
    case = models.ForeignKey("desk.Case", models.SET_NULL, null=True, blank=True, related_name="+")  # that it is late
    version = models.PositiveIntegerField(default=1)

    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("backups:plan", args=[self.code])


class Copy(models.Model):
    """One backup: a file or a directory. tables: rows by table in its own snapshot, where it was counted."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="copies")
    taken_at = models.DateTimeField("备份时间")
    path = models.CharField("位置", max_length=400)
    size = models.BigIntegerField("大小", default=0)
    digest = models.CharField("SHA-256", max_length=64, blank=True, default="")
    tables = models.JSONField("各表行数", null=True)
    seconds = models.FloatField("用时", null=True)
    gone_at = models.DateTimeField("已清理", null=True)

    class Meta:
        ordering = ["-taken_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["plan", "path"], name="backups_copy_once")]

    def __str__(self) -> str:
        return self.path.rsplit("/", 1)[-1]


class Trial(models.Model):
    """One act of proof: taking a copy, verifying it, restoring it. A running one has no end yet."""

    class Level(models.TextChoices):
        TAKEN = "taken", "备份"
        VERIFIED = "verified", "校验"
        RESTORED = "restored", "恢复演练"

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="trials")
    copy = models.ForeignKey(Copy, models.SET_NULL, null=True, related_name="trials")
    level = models.CharField("做什么", max_length=8, choices=Level.choices)
    began_at = models.DateTimeField("开始")
    seen_at = models.DateTimeField("最近的进展")
    ended_at = models.DateTimeField("结束", null=True)
    ok = models.BooleanField("通过", null=True)
    progress = models.PositiveSmallIntegerField("进度", default=0)  # 0 … 100
    doing = models.CharField("正在", max_length=120, blank=True, default="")
    problem = models.CharField("问题", max_length=500, blank=True, default="")
    lines = models.JSONField("逐表核对", default=list)
    facts = models.JSONField(default=dict)  # {"seconds", "size", "tables", "rows", …}
    by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-began_at", "-id"]
        indexes = [models.Index(fields=["plan", "level", "-ended_at"], name="backups_trial_latest")]
        constraints = [
            models.UniqueConstraint(
                fields=["plan"], condition=models.Q(ended_at__isnull=True), name="backups_one_trial_at_a_time"
            )
        ]
