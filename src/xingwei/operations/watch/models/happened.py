"""What happened: changes of probes, spans of functions, heartbeats, troubles."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from xingwei.base.estate.models import BusinessFunction, System
from xingwei.base.policy.querysets import RestrictedQuerySet
from xingwei.service.desk.models import Case

from .configuration import Job, Probe


class ProbeChange(models.Model):
    """A probe's state changed; append-only, written by the process that holds it."""

    probe = models.ForeignKey(Probe, models.CASCADE, related_name="changes")
    at = models.DateTimeField("时间")
    before = models.CharField("原状态", max_length=4, blank=True)
    after = models.CharField("新状态", max_length=4)
    said = models.CharField("情况", max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "拨测的变化"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["probe", "-at"], name="change_of_probe"),
            models.Index(fields=["-at"], name="change_at"),
        ]


class FunctionSpan(models.Model):
    """A business function was in one state from since to until (None: still). Each begin is an act of the journal
    (`watch.function.state`), from which the uptime can be counted again."""

    class State(models.TextChoices):
        UP = "up", "正常"
        SLOW = "slow", "受影响"
        DOWN = "down", "中断"
        UNKNOWN = "unknown", "看不到"

    function = models.ForeignKey(BusinessFunction, models.CASCADE, related_name="spans", verbose_name="业务功能")
    state = models.CharField("状态", max_length=7, choices=State.choices)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)
    said = models.CharField("情况", max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "业务功能的状态"
        ordering = ["-since", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["function"], condition=models.Q(until=None), name="one_open_span_a_function"
            )
        ]
        indexes = [models.Index(fields=["function", "-since"], name="span_of_function")]


class Beat(models.Model):
    """A heartbeat that came in."""

    class Kind(models.TextChoices):
        START = "start", "开始"
        OK = "ok", "成功"
        FAIL = "fail", "失败"

    job = models.ForeignKey(Job, models.CASCADE, related_name="beats")
    at = models.DateTimeField("时间")
    kind = models.CharField("说明", max_length=5, choices=Kind.choices)
    said = models.CharField("情况", max_length=300, blank=True)
    seconds = models.FloatField("用时（秒）", null=True)
    address = models.GenericIPAddressField("来自", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "心跳"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["job", "-at"], name="beat_of_job")]


class Trouble(models.Model):
    """Something is wrong at a node, from opened_at on; one case a trouble, none for what only follows from another.

    kind: down (异常), warn (超过界限), odd (偏离平常), drift (缓慢变差), job (心跳没有来), blind (看不到).
    cause: the trouble of what this node needs; then this one opens no case of its own.
    """

    class Kind(models.TextChoices):
        DOWN = "down", "不通或中断"
        WARN = "warn", "超过界限"
        ODD = "odd", "偏离平常"
        DRIFT = "drift", "缓慢变差"
        JOB = "job", "任务没有按时完成"
        BLIND = "blind", "看不到"

    class State(models.TextChoices):
        PENDING = "pending", "观察中"
        FIRING = "firing", "未恢复"
        ENDING = "ending", "恢复中"
        QUIET = "quiet", "已恢复"

    key = models.CharField("代号", max_length=120, unique=True)
    kind = models.CharField("类别", max_length=5, choices=Kind.choices)
    node = models.CharField("对象", max_length=60, blank=True)
    label = models.CharField("对象名称", max_length=80)
    system = models.ForeignKey(System, models.SET_NULL, null=True, blank=True, verbose_name="系统")
    severity = models.PositiveSmallIntegerField("故障等级", default=3)
    state = models.CharField("状态", max_length=7, choices=State.choices)
    since = models.DateTimeField("自")
    fact = models.CharField("情况", max_length=300, blank=True)
    probes = ArrayField(models.CharField(max_length=60), verbose_name="依据的拨测", default=list)
    cause = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="effects", verbose_name="起因"
    )
    case = models.ForeignKey(Case, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="问题单")
    began_at = models.DateTimeField("发生时间", null=True, blank=True)
    opened_at = models.DateTimeField("确认时间", null=True, blank=True)
    cleared_at = models.DateTimeField("恢复时间", null=True, blank=True)
    times = models.PositiveIntegerField("次数", default=0)
    muted = models.BooleanField("在维护窗口内", default=False)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "监测发现的故障"
        ordering = ["-since", "-pk"]
        indexes = [
            models.Index(fields=["state", "-since"], name="trouble_state"),
            models.Index(fields=["case"], name="trouble_of_case"),
            models.Index(fields=["node"], name="trouble_of_node"),
        ]

    def __str__(self) -> str:
        return f"{self.label}：{self.get_kind_display()}"

    def get_absolute_url(self) -> str:
        return reverse("watch:trouble", args=[self.pk])
