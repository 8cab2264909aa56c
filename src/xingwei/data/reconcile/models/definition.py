"""What is compared with what: a reconciliation and the versions of its document."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import code_of
from xingwei.base.policy.querysets import RestrictedQuerySet


class Reconciliation(models.Model):
    """对账 (clauses 1.8a, 1.8b). What it compares is in its versions; here is when it runs and whose it is.

    current: number of the version in force. nightly_at: time of day of the nightly run over the day before.
    every_minutes: also runs that often, over today. clearing_day: day of the month on which the insurer clears; the
    evening before, the whole month is run once more. days: how many days a nightly run covers.
    """

    class Area(models.TextChoices):
        INSURANCE = "insurance", "医保"
        PAYMENT = "payment", "支付渠道"
        LEDGER = "ledger", "财务"
        DEPOSIT = "deposit", "预交金"
        OTHER = "other", "其他"

    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    area = models.CharField("类别", max_length=10, choices=Area.choices, default=Area.OTHER)
    position = models.PositiveSmallIntegerField("次序", default=100)
    current = models.PositiveIntegerField("现行版本", default=0)
    active = models.BooleanField("自动核对", default=True)
    nightly_at = models.TimeField("每日核对时间", null=True, blank=True)
    every_minutes = models.PositiveIntegerField(
        "白天每隔几分钟核对", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    clearing_day = models.PositiveSmallIntegerField(
        "清算日", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(31)]
    )
    days = models.PositiveSmallIntegerField(
        "一次核对几天", default=1, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )
    owner_role = models.CharField("归口", max_length=30, default="insurance_office")
    due_hours = models.PositiveIntegerField("处理时限（小时）", default=24, validators=[MaxValueValidator(24 * 90)])
    proof = models.CharField("处理后的证明", max_length=20, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    KIND = "reconciliation"
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "对账"
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("reconcile:reconciliation", args=[self.code])


class Version(models.Model):
    """document: a specification after data/reconciliation.schema.json. Never changed: a run points to its version."""

    reconciliation = models.ForeignKey(Reconciliation, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField("版本")
    document = models.JSONField("内容")
    note = models.CharField("改了什么", max_length=300, blank=True)
    author_name = models.CharField("谁", max_length=60, blank=True)
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "对账版本"
        ordering = ["reconciliation", "-number"]
        constraints = [models.UniqueConstraint(fields=["reconciliation", "number"], name="one_number_a_reconciliation")]

    def __str__(self) -> str:
        return f"{self.reconciliation.code} 第 {self.number} 版"
