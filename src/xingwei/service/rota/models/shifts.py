"""Rules, the shifts that were published from them, and what changes them: swaps and leave."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.calendar.engine import DayKind
from xingwei.base.policy.querysets import RestrictedQuerySet

from ..engine import patterns


class Kind(models.TextChoices):
    ON_SITE = "on_site", "驻场"
    ON_CALL = "on_call", "听班"
    SUPPORT = "support", "支撑"


class ShiftRule(models.Model):
    """A line of the pattern (engine/patterns.py). Published weeks do not change when it does."""

    class Rotation(models.TextChoices):
        ALL = "all", "每次都是全部人员"
        TURN = "turn", "每班轮换"
        WEEKLY = "weekly", "每周轮换"

    key = models.SlugField("代号", max_length=40, unique=True)
    label = models.CharField("名称", max_length=40)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    days = ArrayField(models.CharField(max_length=8), verbose_name="适用的日子")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True, verbose_name="星期")
    start = models.CharField("开始", max_length=5)
    end = models.CharField("结束", max_length=5)
    rotation = models.CharField("轮换", max_length=6, choices=Rotation.choices, default=Rotation.ALL)
    at_once = models.PositiveSmallIntegerField("每班人数", default=1)
    anchor = models.DateField("轮换起点")
    place = models.CharField("地点", max_length=40, blank=True)
    valid_from = models.DateField("自", null=True, blank=True)
    valid_until = models.DateField("至", null=True, blank=True)
    order = models.PositiveSmallIntegerField("次序", default=0)

    class Meta:
        ordering = ["order", "key"]

    def __str__(self) -> str:
        return self.label

    def as_rule(self) -> patterns.Rule:
        """For the engine; raises RotaError where the row cannot be used (no people left)."""
        people = list(self.people.all())
        return patterns.Rule(
            key=self.key,
            label=self.label,
            kind=patterns.DutyKind(self.kind),
            days=frozenset(DayKind(d) for d in self.days),
            start=self.start,
            end=self.end,
            people=tuple(p.person_id for p in people if not p.stand_in),
            stand_ins=tuple(p.person_id for p in people if p.stand_in),
            rotation=patterns.Rotation(self.rotation),
            at_once=self.at_once,
            place=self.place,
            weekdays=frozenset(self.weekdays),
            anchor=self.anchor,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class RulePerson(models.Model):
    rule = models.ForeignKey(ShiftRule, models.CASCADE, related_name="people")
    person = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="人员")
    stand_in = models.BooleanField("替补", default=False)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["stand_in", "order"]
        constraints = [models.UniqueConstraint(fields=["rule", "person"], name="one_place_in_a_rule")]

    def __str__(self) -> str:
        return f"{self.rule}：{self.person}"


class PublishedWeek(models.Model):
    """A week whose shifts stand as rows; its Monday. Until then they are computed from the rules."""

    monday = models.DateField("周一", primary_key=True)
    published_at = models.DateTimeField("发布时间", default=timezone.now)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="发布人")
    calendar_version = models.CharField("日历版本", max_length=20)

    class Meta:
        ordering = ["-monday"]
        constraints = [
            models.CheckConstraint(condition=Q(monday__iso_week_day=1), name="week_begins_on_monday"),
        ]

    def __str__(self) -> str:
        return f"{self.monday:%Y-%m-%d} 起一周"


class ShiftQuerySet(RestrictedQuerySet):
    def live(self) -> Any:
        return self.filter(cancelled_at__isnull=True)

    def touching(self, start: dt.datetime, end: dt.datetime) -> Any:
        """Shifts that have any time in common with start ≤ t < end."""
        return self.filter(starts_at__lt=end, ends_at__gt=start)


class Shift(models.Model):
    """One person on duty. A changed shift is cancelled and replaced, never overwritten."""

    class Source(models.TextChoices):
        RULE = "rule", "排班"
        CHANGE = "change", "调整"
        SWAP = "swap", "换班"

    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    label = models.CharField("名称", max_length=40)
    person = models.ForeignKey(User, models.PROTECT, related_name="shifts", verbose_name="人员")
    starts_at = models.DateTimeField("开始")
    ends_at = models.DateTimeField("结束")
    place = models.CharField("地点", max_length=40, blank=True)
    rule = models.ForeignKey(ShiftRule, models.SET_NULL, null=True, blank=True, related_name="+")
    source = models.CharField("来源", max_length=8, choices=Source.choices, default=Source.RULE)
    instead_of = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="代替")
    reason = models.CharField("原因", max_length=200, blank=True)
    cancelled_at = models.DateTimeField("撤销时间", null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    SCOPES = {"own": ("person_id",)}
    objects = ShiftQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "kind", "person"]
        indexes = [
            models.Index(fields=["ends_at"], condition=Q(cancelled_at__isnull=True), name="shift_live_end"),
            models.Index(fields=["person", "ends_at"], name="shift_of_person"),
        ]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="shift_ends_after_start")]

    def __str__(self) -> str:
        start, end = timezone.localtime(self.starts_at), timezone.localtime(self.ends_at)
        until = f"{end:%H:%M}" if end.date() == start.date() else f"次日 {end:%H:%M}"
        return f"{self.label} {start:%m-%d %H:%M}–{until}"

    def as_slot(self) -> patterns.Slot:
        return patterns.Slot(
            start=timezone.localtime(self.starts_at),
            end=timezone.localtime(self.ends_at),
            kind=patterns.DutyKind(self.kind),
            person=self.person_id,
            label=self.label,
            place=self.place,
            instead_of=self.instead_of_id,
            ref=self.pk,
        )


class Swap(models.Model):
    """Proposed by the shift's person, accepted by the other, approved by the service manager."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "待对方同意"
        ACCEPTED = "accepted", "待服务经理批准"
        APPROVED = "approved", "已换班"
        DECLINED = "declined", "对方不同意"
        REJECTED = "rejected", "未批准"
        WITHDRAWN = "withdrawn", "已撤回"

    shift = models.ForeignKey(Shift, models.PROTECT, related_name="swaps", verbose_name="班次")
    in_return = models.ForeignKey(
        Shift, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="换回的班次"
    )
    proposer = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="提出人")
    other = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="对方")
    reason = models.CharField("原因", max_length=200, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_at = models.DateTimeField("提出时间", default=timezone.now)
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="审批人")
    decided_at = models.DateTimeField("审批时间", null=True, blank=True)
    note = models.CharField("意见", max_length=200, blank=True)

    SCOPES = {"own": ("proposer_id", "other_id")}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-proposed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["shift"], condition=Q(state__in=["proposed", "accepted"]), name="one_open_swap_a_shift"
            ),
            models.CheckConstraint(condition=~Q(proposer=F("other")), name="swap_with_another_person"),
        ]

    def __str__(self) -> str:
        return f"{self.proposer} 与 {self.other} 换班"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.PROPOSED, self.State.ACCEPTED)


class Leave(models.Model):
    """Days on which a person takes no shifts; both days included."""

    person = models.ForeignKey(User, models.PROTECT, related_name="leaves", verbose_name="人员")
    first = models.DateField("自")
    last = models.DateField("至")
    reason = models.CharField("事由", max_length=100, blank=True)
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    entered_at = models.DateTimeField("登记时间", default=timezone.now)
    cancelled_at = models.DateTimeField("撤销时间", null=True, blank=True)

    SCOPES = {"own": ("person_id",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-first", "-id"]
        constraints = [models.CheckConstraint(condition=Q(last__gte=F("first")), name="leave_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.person} 请假 {self.first:%m-%d} 至 {self.last:%m-%d}"

    def as_away(self) -> patterns.Away:
        zone = timezone.get_default_timezone()
        midnight = dt.time()
        return patterns.Away(
            self.person_id,
            dt.datetime.combine(self.first, midnight, zone),
            dt.datetime.combine(self.last + dt.timedelta(days=1), midnight, zone),
        )


class CalendarFeed(models.Model):
    """The secret address under which a phone subscribes to its owner's shifts; only the digest is kept."""

    person = models.OneToOneField(User, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.person} 的值班日历"
