"""What the hospital configures: probes, the functions that are held to them, jobs that must run, maintenance windows."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import BusinessFunction, System, code_of
from xingwei.base.policy.querysets import RestrictedQuerySet
from xingwei.service.desk.models import Case


class Probe(models.Model):
    """Something that is looked at again and again. `kind` names the package under probes/.

    node: what it says something about, a key of the estate's graph ("component:HIS-DB", "function:his-charge").
    settings: checked against the kind's JSON Schema, passwords sealed. limits: a list of
    {signal, warn, down, below, for_s}; those of the kind hold where none is given for a signal.
    function: where the probe walks a business function end to end; then it decides whether that function is up.
    """

    code = models.CharField("代码", max_length=60, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("方式", max_length=20)
    node = models.CharField("对象", max_length=60)
    system = models.ForeignKey(System, models.PROTECT, null=True, blank=True, verbose_name="系统")
    function = models.ForeignKey(
        BusinessFunction, models.CASCADE, null=True, blank=True, related_name="probes", verbose_name="业务功能"
    )
    settings = models.JSONField("参数", default=dict)
    limits = models.JSONField("界限", default=list, blank=True)
    every_s = models.PositiveIntegerField("间隔（秒）", default=60)
    timeout_s = models.FloatField("超时（秒）", default=5)
    fails = models.PositiveSmallIntegerField("连续几次算不通", default=2)
    severity = models.PositiveSmallIntegerField("故障等级", default=3)
    active = models.BooleanField("启用", default=True)
    note = models.CharField("说明", max_length=300, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    KIND = "probe"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "拨测"
        ordering = ["code"]
        indexes = [models.Index(fields=["node"], name="probe_of_node")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("watch:probe", args=[self.code])


class FunctionWatch(models.Model):
    """A business function that is held to its probes. short: its name on the big screen; target: per cent a month."""

    function = models.OneToOneField(
        BusinessFunction, models.CASCADE, primary_key=True, related_name="watch", verbose_name="业务功能"
    )
    short = models.CharField("简称", max_length=8)
    order = models.PositiveSmallIntegerField("次序", default=0)
    target = models.DecimalField("可用率目标（%）", max_digits=6, decimal_places=3, default=Decimal("99.9"))
    severity = models.PositiveSmallIntegerField("中断时的故障等级", default=2)
    wall = models.BooleanField("上大屏", default=True)

    SCOPES = {"system": ("function__system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "受监测的业务功能"
        ordering = ["order", "function__code"]

    def __str__(self) -> str:
        return self.short

    def get_absolute_url(self) -> str:
        return reverse("watch:function", args=[self.function.code])


class Job(models.Model):
    """Something that must run (a backup, the close of the day) and says so by a heartbeat.

    Due every `every_minutes`, or daily at `daily_at` (local time) on `weekdays` ("1234567"); late after grace_minutes.
    """

    class Kind(models.TextChoices):
        BACKUP = "backup", "备份"
        DAY_END = "day_end", "日结与夜间任务"
        EXTRACT = "extract", "抽取与上传"
        OTHER = "other", "其他"

    class State(models.TextChoices):
        NEW = "new", "还没有来过"
        OK = "ok", "按时"
        RUNNING = "running", "正在运行"
        LATE = "late", "逾期没有来"
        FAILED = "failed", "报告失败"

    code = models.CharField("代码", max_length=60, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices, default=Kind.OTHER)
    node = models.CharField("对象", max_length=60, blank=True)
    system = models.ForeignKey(System, models.PROTECT, null=True, blank=True, verbose_name="系统")
    every_minutes = models.PositiveIntegerField("每隔（分）", null=True, blank=True)
    daily_at = models.TimeField("每天", null=True, blank=True)
    weekdays = models.CharField("星期", max_length=7, default="1234567")
    grace_minutes = models.PositiveIntegerField("宽限（分）", default=30)
    severity = models.PositiveSmallIntegerField("故障等级", default=3)
    active = models.BooleanField("启用", default=True)
    note = models.CharField("说明", max_length=300, blank=True)
    state = models.CharField("状态", max_length=7, choices=State.choices, default=State.NEW)
    since = models.DateTimeField("自", auto_now_add=True)
    last_at = models.DateTimeField("最近一次", null=True, blank=True)
    last_ok_at = models.DateTimeField("最近一次成功", null=True, blank=True)
    started_at = models.DateTimeField("开始于", null=True, blank=True)
    said = models.CharField("说了什么", max_length=300, blank=True)
    created_at = models.DateTimeField("登记时间", auto_now_add=True)

    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "心跳任务"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("watch:job", args=[self.code])


class MaintenanceWindow(models.Model):
    """A time that was announced: what fails in it opens no case and is taken out of the uptime.

    nodes: keys of the estate's graph, "system:HIS", or "*" for everything.
    """

    title = models.CharField("事由", max_length=80)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止")
    nodes = ArrayField(models.CharField(max_length=60), verbose_name="对象", default=list)
    note = models.CharField("说明", max_length=300, blank=True)
    case = models.ForeignKey(Case, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="问题单")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    created_at = models.DateTimeField("登记时间", auto_now_add=True)
    cancelled_at = models.DateTimeField("取消时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "维护窗口"
        ordering = ["-since"]
        indexes = [models.Index(fields=["until"], name="window_until")]

    def __str__(self) -> str:
        return self.title


class Token(models.Model):
    """A word by which something without an account is let in: a job's heartbeat, a host's agent, a screen.

    Only its digest (SM3) is kept; it is shown once. subject: the code of the job or probe, or the screen's name.
    """

    class Purpose(models.TextChoices):
        JOB = "job", "心跳"
        AGENT = "agent", "主机代理"
        SCREEN = "screen", "大屏"

    purpose = models.CharField("用途", max_length=6, choices=Purpose.choices)
    subject = models.CharField("对象", max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="发放人")
    created_at = models.DateTimeField("发放时间", auto_now_add=True)
    seen_at = models.DateTimeField("最近使用", null=True, blank=True)
    revoked_at = models.DateTimeField("停用时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "监测口令"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["purpose", "subject"], name="token_of_subject")]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.subject}"
