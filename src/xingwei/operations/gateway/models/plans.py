"""What happens while a way out is cut off: degradation plans with versions, thresholds with theirs, drills."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import code_of
from xingwei.base.policy.querysets import RestrictedQuerySet

from .configuration import Channel


class Plan(models.Model):
    """熔断方案 of a way out (clause 1.7c). What it says is in its versions."""

    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    channel = models.OneToOneField(Channel, models.PROTECT, related_name="plan", verbose_name="送出通道")
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    KIND = "plan"
    SCOPES = {"system": ("channel__system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "熔断方案"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("gateway:plan", args=[self.code])


class PlanVersion(models.Model):
    """document: checked against data/plan.schema.json. Once approved it never changes.

    It is in force when two persons approved it, one of the technical side and one of the business side, neither of
    them its author: nobody decides alone what the window says while a third party is down.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        PROPOSED = "proposed", "待批准"
        APPROVED = "approved", "生效"
        REFUSED = "refused", "已退回"
        RETIRED = "retired", "已被替换"

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField("版本")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.DRAFT)
    document = models.JSONField("内容", default=dict)
    note = models.CharField("改了什么", max_length=300, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="起草")
    author_name = models.CharField("起草人", max_length=40, blank=True)
    created_at = models.DateTimeField("起草时间", auto_now_add=True)
    approved_at = models.DateTimeField("生效时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "熔断方案版本"
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="one_number_a_plan"),
            models.UniqueConstraint(
                fields=["plan"], condition=models.Q(state="approved"), name="one_approved_version_a_plan"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan.code} 第 {self.number} 版"


class PlanApproval(models.Model):
    """One person's decision on a version."""

    class Side(models.TextChoices):
        TECHNICAL = "technical", "信息科与服务商"
        BUSINESS = "business", "业务科室"

    version = models.ForeignKey(PlanVersion, models.CASCADE, related_name="approvals")
    side = models.CharField("哪一方", max_length=9, choices=Side.choices)
    person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="批准人")
    name = models.CharField("姓名", max_length=60)
    agreed = models.BooleanField("同意", default=True)
    note = models.CharField("意见", max_length=300, blank=True)
    at = models.DateTimeField("时间")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "side"], name="one_approval_a_side"),
        ]


class ThresholdVersion(models.Model):
    """What the breaker's thresholds were, since when, and why they were changed."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="thresholds")
    number = models.PositiveIntegerField("版本")
    document = models.JSONField("熔断参数", default=dict)
    call = models.JSONField("调用参数", default=dict)
    reason = models.CharField("原因", max_length=300)
    author_name = models.CharField("谁", max_length=40, blank=True)
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        ordering = ["channel", "-number"]
        constraints = [models.UniqueConstraint(fields=["channel", "number"], name="one_number_a_threshold")]


class Drill(models.Model):
    """An exercise of the plan on a calendar: what was cut, for how long, who took part, what was measured.

    measured: engine.episodes.Measured as a dict, from the rows of the time between start and finish.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "已安排"
        RUNNING = "running", "进行中"
        DONE = "done", "已完成"
        CANCELLED = "cancelled", "已取消"

    class Result(models.TextChoices):
        PASSED = "passed", "通过"
        PARTLY = "partly", "有待改进"
        FAILED = "failed", "未通过"

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="drills", verbose_name="送出通道")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, blank=True, verbose_name="方案版本")
    planned_for = models.DateTimeField("计划时间")
    scenario = models.CharField("演练内容", max_length=300)
    minutes = models.PositiveIntegerField("计划时长", default=15)
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.PLANNED)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    lead = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="主持")
    participants = models.CharField("参加人员", max_length=300, blank=True)
    cut = models.BooleanField("由本系统切断", default=True)
    measured = models.JSONField("测得", default=dict, blank=True)
    result = models.CharField("结果", max_length=6, choices=Result.choices, blank=True)
    findings = models.TextField("发现的问题", max_length=2000, blank=True)
    next_due = models.DateField("下次演练", null=True, blank=True)
    created_at = models.DateTimeField("登记时间", auto_now_add=True)

    KIND = "drill"
    SCOPES = {"system": ("channel__system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "熔断演练"
        ordering = ["-planned_for", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel"], condition=models.Q(state="running"), name="one_running_drill_a_channel"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} 演练"

    def get_absolute_url(self) -> str:
        return reverse("gateway:drill", args=[self.pk])
