"""What the two sides signed: versions of the contract's text, how its open questions are read, and what was done.

The text of a version never changes. Readings do, when the two sides agree: each change is a further Terms row, so
that a deadline computed under "3.1" can be computed again under "3.1" at any later time.
"""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone


class ContractVersion(models.Model):
    """One text of a contract. Put in force, it holds from in_force_from until a later one of them does, or ends_on.

    number: across all contracts, in the order of import. starts_on, ends_on: first and last day of the contract
    itself (quarters are counted from the first); in_force_from: first day of this text, later than starts_on where
    the text was changed on the way (备注 8).
    """

    number = models.PositiveIntegerField("版本", unique=True)
    code = models.SlugField("合同代码", max_length=60)
    title = models.CharField("名称", max_length=120)
    digest = models.CharField("校验值", max_length=64, unique=True)
    document = models.JSONField("内容")
    imported_at = models.DateTimeField("导入时间", default=timezone.now)
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="导入人"
    )
    contract_number = models.CharField("合同编号", max_length=60, blank=True)
    total = models.DecimalField(
        "合同总金额", max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    starts_on = models.DateField("合同起始日", null=True, blank=True)
    ends_on = models.DateField("合同终止日", null=True, blank=True)
    in_force_from = models.DateField("本版本生效日", null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                name="contract_version_dates",
                condition=Q(starts_on__isnull=True, ends_on__isnull=True, in_force_from__isnull=True)
                | Q(starts_on__lte=F("in_force_from"), in_force_from__lte=F("ends_on")),
            )
        ]

    def __str__(self) -> str:
        return f"第 {self.number} 版"

    def get_absolute_url(self) -> str:
        return reverse("contract:version", args=[self.number])


class Terms(models.Model):
    """A version under a set of readings: what "version.revision" means, for good. Append-only."""

    version = models.ForeignKey(ContractVersion, models.PROTECT, related_name="terms", verbose_name="版本")
    revision = models.PositiveIntegerField("读法次序")
    chosen = models.JSONField("读法")
    agreed = models.JSONField("双方已确认的问题")
    since = models.DateTimeField("起", default=timezone.now)

    class Meta:
        ordering = ["version", "revision"]
        constraints = [models.UniqueConstraint(fields=["version", "revision"], name="contract_terms_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.version.number}.{self.revision}"


class Agreement(models.Model):
    """One side signs a reading of a question, or takes its signature back (reading ""). Append-only.

    label: the words that were signed; a later text that words the reading differently is not what was signed.
    """

    class Side(models.TextChoices):
        HOSPITAL = "hospital", "医院"
        VENDOR = "vendor", "运维服务商"

    code = models.SlugField("合同代码", max_length=60)
    question = models.SlugField("问题", max_length=60)
    side = models.CharField("哪一方", max_length=10, choices=Side.choices)
    reading = models.CharField("读法", max_length=60, blank=True)
    label = models.CharField("读法原文", max_length=200, blank=True)
    note = models.CharField("说明", max_length=500, blank=True)
    signed_at = models.DateTimeField("时间", default=timezone.now)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="签字人")

    class Meta:
        ordering = ["signed_at", "id"]
        indexes = [models.Index(fields=["code", "question"], name="contract_agreement_question")]

    def __str__(self) -> str:
        return f"{self.get_side_display()}：{self.label or '撤回'}"


class Performance(models.Model):
    """That an obligation was kept, as a person recorded it. A wrong record is struck out, never deleted.

    done_on: the day on which it was done; it counts for the period that holds this day, unless due_on says which
    due day it answers (a quarter's report that came late).
    reference: where the paper is (document number, case number, file name).
    """

    code = models.SlugField("合同代码", max_length=60)
    obligation = models.SlugField("义务", max_length=60)
    system = models.CharField("系统", max_length=10, blank=True)
    done_on = models.DateField("完成日期")
    due_on = models.DateField("所答复的到期日", null=True, blank=True)
    note = models.CharField("做了什么", max_length=500)
    reference = models.CharField("佐证", max_length=200, blank=True)
    recorded_at = models.DateTimeField("登记时间", default=timezone.now)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="登记人"
    )
    struck_at = models.DateTimeField("作废时间", null=True, blank=True)
    struck_why = models.CharField("作废原因", max_length=200, blank=True)

    class Meta:
        ordering = ["-done_on", "-id"]
        indexes = [models.Index(fields=["code", "obligation", "done_on"], name="contract_performance_due")]

    def __str__(self) -> str:
        return f"{self.obligation} {self.done_on}"
