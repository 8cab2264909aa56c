"""The critical-value loop (危急值闭环, clause 7.3): result → nurse → doctor, with a clock."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import Department, User
from xingwei.base.policy.querysets import RestrictedQuerySet


class CriticalRule(models.Model):
    """When a result counts as critical; the hospital's own list (data, imported from critical.yaml).

    A result counts when one of its flags is named, or its number lies at or beyond a limit. sections: wards to
    which the row applies; empty for all.
    """

    code = models.CharField("项目代码", max_length=40)
    name = models.CharField("项目", max_length=60)
    aliases = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name="其他代码")
    unit = models.CharField("单位", max_length=30, blank=True)
    low = models.DecimalField("低于等于", max_digits=14, decimal_places=4, null=True, blank=True)
    high = models.DecimalField("高于等于", max_digits=14, decimal_places=4, null=True, blank=True)
    flags = ArrayField(models.CharField(max_length=10), default=list, blank=True, verbose_name="异常标志")
    sections = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name="适用病区")
    active = models.BooleanField("启用", default=True)
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "危急值界限"
        ordering = ["code", "id"]


class CriticalValue(models.Model):
    """One critical result and how far its loop is. Times are facts; deadlines are computed (engine.critical)."""

    class State(models.TextChoices):
        REPORTED = "reported", "待护士接收"
        RECEIVED = "received", "待医生处理"
        HANDLED = "handled", "已闭环"
        WITHDRAWN = "withdrawn", "已撤销"

    class Source(models.TextChoices):
        MESSAGE = "message", "结果消息"
        API = "api", "业务系统上报"

    key = models.CharField(max_length=64, unique=True)
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.REPORTED)
    source = models.CharField("来源", max_length=7, choices=Source.choices)
    message_id = models.BigIntegerField("消息", null=True, blank=True)
    message_at = models.DateTimeField("消息时间", null=True, blank=True)
    patient = models.CharField("患者号", max_length=60, blank=True)
    patient_name = models.CharField("患者姓名", max_length=60, blank=True)
    bed = models.CharField("床号", max_length=20, blank=True)
    ward = models.CharField("病区", max_length=60, blank=True)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, verbose_name="科室")
    sample = models.CharField("标本号", max_length=60, blank=True)
    code = models.CharField("项目代码", max_length=40)
    item = models.CharField("项目", max_length=80)
    value = models.CharField("结果", max_length=60)
    unit = models.CharField("单位", max_length=30, blank=True)
    range = models.CharField("参考范围", max_length=60, blank=True)
    flag = models.CharField("标志", max_length=10, blank=True)
    why = models.CharField("判为危急的依据", max_length=120)
    reported_at = models.DateTimeField("报告时间")
    seen_at = models.DateTimeField("进入闭环时间")
    received_at = models.DateTimeField("护士接收时间", null=True, blank=True)
    received_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    received_name = models.CharField("接收护士", max_length=40, blank=True)
    doctor_at = models.DateTimeField("通知医生时间", null=True, blank=True)
    doctor_name = models.CharField("通知的医生", max_length=40, blank=True)
    handled_at = models.DateTimeField("医生处理时间", null=True, blank=True)
    handled_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    handled_name = models.CharField("处理医生", max_length=40, blank=True)
    handling = models.CharField("处理", max_length=300, blank=True)
    withdrawn_why = models.CharField("撤销原因", max_length=200, blank=True)
    reminded = models.PositiveSmallIntegerField("已提醒", default=0)

    KIND = "critical_value"
    SCOPES = {"department": ("department_id",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "危急值"
        ordering = ["-reported_at", "-id"]
        indexes = [
            models.Index(fields=["state", "reported_at"], name="critical_open"),
            models.Index(fields=["department", "-reported_at"], name="critical_department"),
            models.Index(fields=["-reported_at", "-id"], name="critical_time"),
        ]

    def __str__(self) -> str:
        return f"{self.item} 危急值"

    def get_absolute_url(self) -> str:
        return reverse("gateway:critical-value", args=[self.pk])
