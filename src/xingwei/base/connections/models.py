"""Connections to the hospital's business databases, and the statements that may run over them."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.policy.querysets import RestrictedQuerySet


class Connection(models.Model):
    """One business database or one directory of files, read only. The password is sealed with SM4-GCM."""

    class Kind(models.TextChoices):
        POSTGRESQL = "postgresql", "PostgreSQL"
        MYSQL = "mysql", "MySQL / MariaDB"
        ORACLE = "oracle", "Oracle"
        MSSQL = "mssql", "SQL Server"
        SQLITE = "sqlite", "SQLite"
        FILES = "files", "文件目录（Parquet、CSV、Excel）"

    class Proof(models.TextChoices):
        UNKNOWN = "unknown", "还没有验证"
        ACCOUNT = "account", "账号只能读"
        SESSION = "session", "账号能写，会话已锁定只读"
        FAILED = "failed", "没有通过"

    code = models.CharField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=80)
    kind = models.CharField("种类", max_length=12, choices=Kind.choices)
    system = models.ForeignKey("estate.System", models.SET_NULL, null=True, blank=True, related_name="+")
    settings = models.JSONField("地址", default=dict)
    secret = models.TextField("口令（密文）", blank=True, default="")
    windows = models.JSONField("读取时段", default=list)  # [["00:30", "05:30"], …] of Shanghai; []: any time
    rows_per_second = models.PositiveIntegerField("每秒最多行数", default=20_000)
    timeout_s = models.PositiveIntegerField("语句最长秒数", default=300)
    account_only = models.BooleanField("只接受只读账号", default=False)
    enabled = models.BooleanField("启用", default=True)
    note = models.CharField("备注", max_length=200, blank=True, default="")
    proof = models.CharField("只读验证", max_length=8, choices=Proof.choices, default=Proof.UNKNOWN)
    proved_at = models.DateTimeField("验证时间", null=True)
    evidence = models.JSONField("验证记录", default=list)  # [{"check", "ok", "detail"}, …]
    problem = models.CharField("最近的问题", max_length=500, blank=True, default="")
    problem_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("connections:connection", args=[self.code])


class Statement(models.Model):
    """A statement that was shown before it ever ran. Nothing else is run: a reader asks for the digest here."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="statements")
    digest = models.CharField(max_length=64)
    text = models.TextField("语句")
    purpose = models.CharField("用途", max_length=200)
    tables = models.JSONField("读哪些表", default=list)
    shown_at = models.DateTimeField("展示时间", auto_now_add=True)
    shown_to = models.CharField("看过的人", max_length=80)
    runs = models.PositiveBigIntegerField("执行次数", default=0)
    rows = models.PositiveBigIntegerField("读取行数", default=0)
    seconds = models.FloatField("累计秒数", default=0)
    last_run_at = models.DateTimeField("最近执行", null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "digest"], name="connections_statement_once")]
        ordering = ["purpose", "pk"]

    def __str__(self) -> str:
        return self.purpose
