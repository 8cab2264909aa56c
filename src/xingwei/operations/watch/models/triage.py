"""Verdicts on whose fault it was, what they were given, what people made of them; the agreed responsibility list."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import System
from xingwei.base.policy.querysets import RestrictedQuerySet
from xingwei.service.desk.models import Case

from ..engine.triage import Layer, Party

LAYERS = [(layer.value, layer.value) for layer in Layer]
PARTIES = [(party.value, party.label) for party in Party]


class ResponsibilityList(models.Model):
    """A version of the 故障责任清单: rows as in the file. In force once somebody of each side has agreed."""

    class State(models.TextChoices):
        DRAFT = "draft", "草案"
        AGREED = "agreed", "生效"
        RETIRED = "retired", "已被替换"

    number = models.PositiveIntegerField("版本", unique=True)
    state = models.CharField("状态", max_length=7, choices=State.choices, default=State.DRAFT)
    rows = models.JSONField("内容", default=list)
    note = models.CharField("改了什么", max_length=300, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="提出人")
    created_at = models.DateTimeField("提出时间", auto_now_add=True)
    hospital = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="医院确认")
    hospital_at = models.DateTimeField("医院确认时间", null=True)
    vendor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="服务商确认")
    vendor_at = models.DateTimeField("服务商确认时间", null=True)
    agreed_at = models.DateTimeField("生效时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "故障责任清单"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="agreed"), name="one_agreed_responsibility_list"
            )
        ]

    def __str__(self) -> str:
        return f"责任清单第 {self.number} 版"


class Verdict(models.Model):
    """What triage said at a moment. document: suspects, checks, evidence, states as they were shown; never changed.
    review: what people made of it."""

    class Review(models.TextChoices):
        OPEN = "open", "待确认"
        CONFIRMED = "confirmed", "已确认"
        CORRECTED = "corrected", "已改判"

    case = models.ForeignKey(
        Case, models.SET_NULL, null=True, blank=True, related_name="verdicts", verbose_name="问题单"
    )
    system = models.ForeignKey(System, models.SET_NULL, null=True, blank=True, verbose_name="系统")
    symptom = models.CharField("现象", max_length=120)
    said = models.CharField("原话", max_length=300, blank=True)
    node = models.CharField("从哪里查起", max_length=60, blank=True)
    path = models.CharField("指引", max_length=40, blank=True)
    at = models.DateTimeField("判定的时刻")
    took_ms = models.PositiveIntegerField("用时（毫秒）", default=0)
    unknown = models.BooleanField("未知", default=False)
    layer = models.CharField("层", max_length=8, choices=LAYERS, blank=True)
    owner = models.CharField("责任方", max_length=12, choices=PARTIES, blank=True)
    suspect = models.CharField("嫌疑", max_length=80, blank=True)
    confidence = models.FloatField("置信", default=0)
    document = models.JSONField("内容", default=dict)
    agreed = models.ForeignKey(ResponsibilityList, models.PROTECT, null=True, verbose_name="责任清单")
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="发起")
    created_at = models.DateTimeField("时间", auto_now_add=True)

    review = models.CharField("确认", max_length=9, choices=Review.choices, default=Review.OPEN)
    actual_layer = models.CharField("实际的层", max_length=8, choices=LAYERS, blank=True)
    actual_owner = models.CharField("实际的责任方", max_length=12, choices=PARTIES, blank=True)
    actual_node = models.CharField("实际的部件", max_length=80, blank=True)
    review_note = models.CharField("依据", max_length=500, blank=True)
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="确认人")
    reviewed_at = models.DateTimeField("确认时间", null=True)
    notified_at = models.DateTimeField("告知责任方时间", null=True)
    coordinated_at = models.DateTimeField("三方协调时间", null=True)

    KIND = "verdict"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "定责"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["case", "-id"], name="verdict_of_case"),
            models.Index(fields=["review", "-created_at"], name="verdict_review"),
        ]

    def __str__(self) -> str:
        return f"{self.symptom}：{self.suspect or '未知'}"

    def get_absolute_url(self) -> str:
        return reverse("watch:verdict", args=[self.pk])

    @property
    def hit(self) -> bool:
        """What a person found is what was said first."""
        return not self.unknown and (self.layer, self.owner) == (self.actual_layer, self.actual_owner)


class Snapshot(models.Model):
    """Everything a verdict was given (graph, series, events), so that a corrected one can be judged again by a later
    engine. Of verdicts that nobody corrected it is dropped after a while."""

    verdict = models.OneToOneField(Verdict, models.CASCADE, primary_key=True, related_name="snapshot")
    inputs = models.BinaryField("输入")
    size = models.PositiveIntegerField("字节数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "定责的输入"
