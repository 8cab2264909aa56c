"""Around the case: calls, drafts, saved views, the formal written feedback."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.policy.querysets import RestrictedQuerySet

from .case import Case


class CallLog(models.Model):
    """A call to the service number (scorecard item 5 counts the missed ones)."""

    at = models.DateTimeField("来电时间", default=timezone.now)
    caller = models.CharField("来电号码", max_length=40)
    caller_name = models.CharField("来电人", max_length=40, blank=True)
    missed = models.BooleanField("无人接听", default=False)
    ring_seconds = models.PositiveIntegerField("振铃秒数", null=True, blank=True)
    talk_seconds = models.PositiveIntegerField("通话秒数", null=True, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    case = models.ForeignKey(Case, models.SET_NULL, null=True, blank=True, related_name="calls")
    called_back_at = models.DateTimeField("回电时间", null=True, blank=True)
    note = models.CharField("备注", max_length=300, blank=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["-at", "-id"], name="call_time")]

    def __str__(self) -> str:
        return f"{self.caller}{'（未接）' if self.missed else ''}"


class Draft(models.Model):
    """What somebody typed and has not sent: one a person and form."""

    person = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    form = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "form"], name="one_draft_a_form")]

    def __str__(self) -> str:
        return f"{self.person}：{self.form}"


class SavedView(models.Model):
    """A ledger filter with a name; shared ones are seen by the owner's organisation."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    name = models.CharField("名称", max_length=20)
    query = models.CharField("条件", max_length=1000)
    shared = models.BooleanField("同事可用", default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_view_a_name")]

    def __str__(self) -> str:
        return self.name


class Feedback(models.Model):
    """The formal written feedback on an unfound or half-solved cause (clause 9.7), as PDF."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="feedback")
    number = models.CharField("文号", max_length=30, unique=True)
    found = models.TextField("排查经过", max_length=5000)
    conclusion = models.TextField("目前结论", max_length=3000)
    plan = models.TextField("后续安排", max_length=3000)
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="签发人")
    issued_at = models.DateTimeField("签发时间", default=timezone.now)
    received_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="医院签收人"
    )
    received_at = models.DateTimeField("签收时间", null=True, blank=True)

    class Meta:
        ordering = ["-issued_at"]

    def __str__(self) -> str:
        return self.number


class Coordination(models.Model):
    """A three-party coordination (clause 1.9b): who met when, what was concluded, what comes next."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="coordinations")
    parties = models.CharField("参加方", max_length=300)
    held_at = models.DateTimeField("时间")
    conclusion = models.TextField("结论", max_length=3000)
    next_step = models.CharField("下一步与责任方", max_length=500)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="记录人")
    recorded_at = models.DateTimeField("记录时间", default=timezone.now)

    class Meta:
        ordering = ["-held_at"]

    def __str__(self) -> str:
        return f"{self.case.number} 三方协调 {timezone.localtime(self.held_at):%m-%d %H:%M}"
