"""Checklists, plans by the calendar, inspections and what was found item by item (clauses 9.4, 6.2b, 9.2d)."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.policy.querysets import RestrictedQuerySet


class Checklist(models.Model):
    """What is looked at. items: [{"code", "title", "how": machine|person, "check": {…}, "expect",
    "advice"}]; systems: codes of those for which it is gone through, once each ([]: once for the hospital)."""

    code = models.CharField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=80)
    systems = models.JSONField("系统", default=list)
    items = models.JSONField("项目", default=list)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Plan(models.Model):
    """When which checklists are gone through. rule: as engine.occasions has it; role: whose work it is."""

    code = models.CharField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=80)
    rule = models.JSONField("周期", default=dict)
    checklists = models.JSONField("检查表", default=list)
    role = models.CharField("由谁执行", max_length=40, default="onsite_engineer")
    on_site = models.BooleanField("到现场", default=True)
    remind_days = models.PositiveSmallIntegerField("提前几天提醒", default=7)
    active = models.BooleanField("启用", default=True)
    note = models.CharField("说明", max_length=300, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Inspection(models.Model):
    """One inspection, from the day it is due to its signed report."""

    class State(models.TextChoices):
        PLANNED = "planned", "已安排"
        OPEN = "open", "进行中"
        DONE = "done", "已完成"
        CANCELLED = "cancelled", "已取消"

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="inspections")
    due_on = models.DateField("应完成日期")
    label = models.CharField("名称", max_length=80)
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.PLANNED)
    inspector = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField("开始", null=True, blank=True)
    done_at = models.DateTimeField("完成", null=True, blank=True)
    summary = models.TextField("结论", blank=True, default="")
    reason = models.CharField("取消原因", max_length=200, blank=True, default="")
    reminded_at = models.DateTimeField(null=True, blank=True)
    running_since = models.DateTimeField(null=True, blank=True)  # the machine's items are being run
    version = models.PositiveIntegerField(default=1)

    objects = RestrictedQuerySet.as_manager()
    SCOPES: dict[str, tuple[str, ...]] = {}

    class Meta:
        ordering = ["-due_on", "-id"]
        constraints = [models.UniqueConstraint(fields=["plan", "due_on"], name="inspection_once_a_day")]
        indexes = [models.Index(fields=["state", "due_on"], name="inspection_by_state")]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("inspection:inspection", args=[self.pk])


class Item(models.Model):
    """One line of an inspection: what the checklist said when it began, and what was found."""

    class How(models.TextChoices):
        MACHINE = "machine", "机器检查"
        PERSON = "person", "人工检查"

    class Result(models.TextChoices):
        NONE = "", "未检查"
        OK = "ok", "正常"
        HAZARD = "hazard", "隐患"
        SKIPPED = "skipped", "本次不检查"

    inspection = models.ForeignKey(Inspection, models.CASCADE, related_name="items")
    order = models.PositiveIntegerField()
    checklist = models.CharField(max_length=40)
    group = models.CharField("检查表", max_length=80)
    system = models.ForeignKey("estate.System", models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=60)
    title = models.CharField("检查什么", max_length=200)
    how = models.CharField("怎么查", max_length=7, choices=How.choices)
    method = models.JSONField(default=dict)  # how the machine looks: {"kind", …}
    expect = models.CharField("正常应是", max_length=200, blank=True, default="")
    advice = models.CharField("建议", max_length=300, blank=True, default="")
    result = models.CharField("结果", max_length=7, choices=Result.choices, blank=True, default="")
    value = models.CharField("看到", max_length=300, blank=True, default="")
    figure = models.FloatField("数值", null=True, blank=True)
    note = models.CharField("说明", max_length=500, blank=True, default="")
    checked_at = models.DateTimeField("时间", null=True, blank=True)
    by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, blank=True, related_name="+")
    case = models.ForeignKey("desk.Case", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint(fields=["inspection", "checklist", "system", "code"], name="inspection_item_once",
                                    nulls_distinct=False)
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.title
