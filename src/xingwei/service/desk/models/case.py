"""The case: one piece of work of any kind, and what belongs to it alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import Department, Organisation, User
from xingwei.base.estate.models import BusinessFunction, Interface, Subsystem, System
from xingwei.base.policy.querysets import RestrictedQuerySet

# Deadlines of cases that have none: they sort last, the closed ones behind all others, and let the ledger page by keyset
NEVER, ENDED = dt.datetime(9999, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


# What the filters of the ledger ask of a case, and the letter by which Case.known says it
KNOWN_AS = {
    "system": "y", "kind": "k", "severity": "l", "department": "d", "assignee": "a", "party": "p", "category": "g",
    "channel": "c", "ever_late": "t",
}  # fmt: skip


def _known() -> models.Func:
    """All of it as one array: "y3", "pthird"; the letter alone where the column is empty."""
    text = models.TextField()
    said = (Concat(models.Value(letter, text), Cast(name, text)) for name, letter in KNOWN_AS.items())
    return models.Func(*said, template="ARRAY[%(expressions)s]", output_field=ArrayField(text))


class Number(models.Model):
    """The last serial given in a month; its row is locked while the next is given."""

    month = models.CharField(max_length=4, primary_key=True, help_text="yymm, local time")
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.month}-{self.last:03d}"


class Case(models.Model):
    """One case (clause 1.6). `state` and `kind` are keys of data/kinds.yaml; moves are checked by engine/workflow.

    people: everyone who takes part – reporter, registrar, assignees, watchers, third parties asked for help; they see
    the case. version: optimistic lock, raised by every write. ever_late: a clock was missed; never taken back.
    """

    class Channel(models.TextChoices):
        PHONE = "phone", "电话"
        PORTAL = "portal", "网页报修"
        EMAIL = "email", "邮件"
        WECOM = "wecom", "微信"
        API = "api", "接口"
        ON_SITE = "on_site", "现场"
        PROBE = "probe", "监控"
        INSPECTION = "inspection", "巡检"

    class Party(models.TextChoices):
        UNKNOWN = "unknown", "未判定"
        HOSPITAL = "hospital", "医院"
        VENDOR = "vendor", "运维服务商"
        THIRD = "third", "第三方"
        CARRIER = "carrier", "运营商"

    class Waiting(models.TextChoices):
        NOBODY = "", "—"
        HOSPITAL = "hospital", "等医院"
        THIRD = "third", "等第三方"
        REPORTER = "reporter", "等反映人"
        RD = "rd", "等研发"

    number = models.CharField("编号", max_length=12, unique=True)
    kind = models.CharField("类别", max_length=20)
    state = models.CharField("状态", max_length=24)
    category = models.CharField("阶段", max_length=10, help_text="new, open, waiting, answered, resolved, closed")
    severity = models.PositiveSmallIntegerField("级别", default=0, help_text="1, 2, 3; 0: 不定级")
    title = models.CharField("标题", max_length=120)
    description = models.TextField("现象", max_length=5000)
    system = models.ForeignKey(
        System, models.PROTECT, null=True, blank=True, related_name="cases", verbose_name="系统", db_index=False
    )
    subsystem = models.ForeignKey(
        Subsystem, models.SET_NULL, null=True, blank=True, verbose_name="子系统", db_index=False
    )
    function = models.ForeignKey(BusinessFunction, models.SET_NULL, null=True, blank=True, verbose_name="业务功能")
    interface = models.ForeignKey(Interface, models.SET_NULL, null=True, blank=True, verbose_name="接口")
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="cases", verbose_name="反映科室", db_index=False
    )
    reporter = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="reported", verbose_name="反映人", db_index=False
    )
    reporter_name = models.CharField("反映人姓名", max_length=40, blank=True)
    phone = models.CharField("回电", max_length=40, blank=True)
    channel = models.CharField("渠道", max_length=12, choices=Channel.choices)
    registered_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="registered", verbose_name="登记人", db_index=False
    )
    assignee = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="assigned", verbose_name="办理人", db_index=False
    )
    waiting_for = models.CharField("在等", max_length=10, choices=Waiting.choices, blank=True)
    party = models.CharField("归属", max_length=10, choices=Party.choices, default=Party.UNKNOWN)
    party_organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="归属单位", db_index=False
    )
    tried = models.TextField("信息科先行诊断", max_length=5000, blank=True)
    cause = models.TextField("原因", max_length=5000, blank=True)
    solution = models.TextField("解决办法", max_length=5000, blank=True)
    half_solved = models.BooleanField("未查明或未彻底解决", default=False)
    satisfaction = models.PositiveSmallIntegerField("满意度", null=True, blank=True, help_text="1 到 5")
    satisfaction_note = models.CharField("评价", max_length=500, blank=True)
    tags = ArrayField(models.CharField(max_length=20), default=list, blank=True, verbose_name="标签")
    people = ArrayField(models.BigIntegerField(), default=list, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False
    )
    version = models.PositiveIntegerField(default=1)
    idempotency_key = models.CharField(max_length=64, null=True, blank=True, unique=True)

    opened_at = models.DateTimeField("受理时间", default=timezone.now)
    responded_at = models.DateTimeField("响应时间", null=True, blank=True)
    arrived_at = models.DateTimeField("到场时间", null=True, blank=True)
    restored_at = models.DateTimeField("业务恢复时间", null=True, blank=True)
    resolved_at = models.DateTimeField("解决时间", null=True, blank=True)
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    updated_at = models.DateTimeField("更新时间", default=timezone.now)

    ever_late = models.BooleanField("曾超时", default=False)
    # Several filters at once are one look into one index, also where nothing has all of them
    known = models.GeneratedField(
        expression=_known(), output_field=ArrayField(models.TextField()), db_persist=True, verbose_name="可筛选的"
    )

    SCOPES = {
        "own": ("people",),
        "department": ("department_id",),
        "system": ("system__code",),
    }
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # db_index=False above: the column leads one of these
        indexes = [
            GinIndex(fields=["people"], name="case_people", opclasses=["array_ops"]),
            models.Index(  # all that the views of open cases ask, without the rows: counts beside them are cheap
                fields=["kind", "assignee", "id"],
                include=[
                    "category",
                    "state",
                    "waiting_for",
                    "severity",
                    "system",
                    "department",
                    "party",
                    "channel",
                    "ever_late",
                    "reporter",
                ],
                name="case_open",
                condition=~models.Q(category="closed"),
            ),
            models.Index(fields=["-updated_at", "-id"], name="case_updated"),
            models.Index(fields=["category", "-id"], name="case_category"),
            models.Index(fields=["kind", "-id"], name="case_kind"),
            models.Index(fields=["severity", "-id"], name="case_severity"),
            models.Index(fields=["system", "-id"], name="case_system"),
            models.Index(fields=["channel", "-id"], name="case_channel"),
            models.Index(fields=["merged_into"], name="case_merged", condition=models.Q(merged_into__isnull=False)),
            GinIndex(fields=["tags"], name="case_tags", opclasses=["array_ops"]),
            models.Index(fields=["department", "-id"], name="case_department"),
            models.Index(fields=["assignee", "-id"], name="case_assignee"),
            models.Index(fields=["reporter", "-id"], name="case_reporter"),
            models.Index(fields=["party", "-id"], name="case_party"),
            GinIndex(fields=["known"], name="case_known", opclasses=["array_ops"]),
            models.Index(fields=["-opened_at", "-id"], name="case_opened"),
            models.Index(fields=["-closed_at", "-id"], name="case_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("desk:case", args=[self.number])

    @property
    def open(self) -> bool:
        return self.category != "closed"

    @property
    def system_code(self) -> str:
        return self.system.code if self.system else ""

    @property
    def where(self) -> str:
        return self.department.name if self.department else self.reporter_name

    # How its clocks stand (CaseClocks). Lists fetch "timing" with the case.
    @property
    def clocks(self) -> list[dict[str, Any]]:
        clocks: list[dict[str, Any]] = self.timing.clocks
        return clocks

    @property
    def next_due_at(self) -> dt.datetime:
        return self.timing.next_due_at

    @property
    def next_due_clock(self) -> str:
        return self.timing.next_due_clock

    @property
    def clock_state(self) -> str:
        return self.timing.clock_state


class CaseClocks(models.Model):
    """How a case's clocks stand: an index recomputed from its events by engine/clocks, never the truth.

    Beside the case and not in it: PostgreSQL writes every index of a row anew when one indexed column changes. A
    deadline moves with each event, and with the calendar in all open cases at once; the case has some twenty indexes
    that know nothing of it.
    """

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="timing")
    clocks = models.JSONField(default=list, blank=True)
    next_due_at = models.DateTimeField(default=NEVER, help_text="NEVER where no clock runs, ENDED once it is closed")
    next_remind_at = models.DateTimeField(default=NEVER, help_text="when the next warning or lateness is told")
    next_due_clock = models.CharField(max_length=16, blank=True)
    clock_state = models.CharField(max_length=8, blank=True, help_text="running, paused, or empty")
    # By which terms and which calendar the clocks came to be what they are; newer ones may say the same
    policy_version = models.CharField(max_length=40, blank=True)
    calendar_version = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_due_at", "case"], name="clocks_due"),
            models.Index(fields=["next_remind_at"], name="clocks_remind", condition=models.Q(next_remind_at__lt=NEVER)),
        ]

    def __str__(self) -> str:
        return str(self.case_id)


class CaseText(models.Model):
    """What the search looks through: a case's words in normal form, and their numbers for the index (base/ui/grams,
    engine/numbers).

    Beside the case and not in it: PostgreSQL writes every index of a row anew when one indexed column changes, and
    a case changes at each move and whenever its clocks are recomputed, its words hardly ever (bench/clocks: 100,000
    cases recomputed cost ten times as much with the words in the same row).
    """

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="words")
    text = models.TextField(default="")
    grams = ArrayField(models.IntegerField(), default=list)

    class Meta:
        indexes = [GinIndex(fields=["grams"], name="case_grams", opclasses=["array_ops"])]

    def __str__(self) -> str:
        return str(self.case_id)


class Answer(models.Model):
    """A written, dated answer to the asker (clauses 1.3, 9.7). verdict: accepted, refused, or explained."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", "受理"
        REFUSED = "refused", "不受理"
        EXPLAINED = "explained", "答复"

    case = models.ForeignKey(Case, models.CASCADE, related_name="answers")
    verdict = models.CharField("结论", max_length=10, choices=Verdict.choices)
    text = models.TextField("答复内容", max_length=5000)
    planned = models.CharField("计划", max_length=120, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="答复人")
    at = models.DateTimeField("答复时间", default=timezone.now)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.case.number}：{self.get_verdict_display()}"


class Agreement(models.Model):
    """One side's consent (a defect before it goes to R&D needs both: clause 1.5)."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="agreements")
    subject = models.CharField("事项", max_length=24)
    side = models.CharField("一方", max_length=10)
    person = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="同意人")
    note = models.CharField("意见", max_length=500, blank=True)
    at = models.DateTimeField("时间", default=timezone.now)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["case", "subject", "side"], name="one_consent_a_side")]

    def __str__(self) -> str:
        return f"{self.case.number} {self.subject}：{self.person}"


class RdProgress(models.Model):
    """Progress reported by R&D on a defect or an accepted requirement (clause 1.5, quarterly report)."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="rd_progress")
    stage = models.CharField("阶段", max_length=40)
    text = models.TextField("进展", max_length=2000, blank=True)
    planned_version = models.CharField("计划版本", max_length=40, blank=True)
    expected_on = models.DateField("预计完成", null=True, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="填报人")
    at = models.DateTimeField("时间", default=timezone.now)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.case.number}：{self.stage}"


class CaseLink(models.Model):
    class Kind(models.TextChoices):
        RELATED = "related", "相关"
        DUPLICATE = "duplicate", "重复"
        CHILD = "child", "拆分"
        SAME_CAUSE = "same_cause", "同因"

    source = models.ForeignKey(Case, models.CASCADE, related_name="links_out")
    target = models.ForeignKey(Case, models.CASCADE, related_name="links_in")
    kind = models.CharField("关系", max_length=12, choices=Kind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="one_link_a_kind"),
            models.CheckConstraint(condition=~models.Q(source=models.F("target")), name="no_link_to_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.get_kind_display()} {self.target_id}"


class Watcher(models.Model):
    case = models.ForeignKey(Case, models.CASCADE, related_name="watchers")
    person = models.ForeignKey(User, models.CASCADE, related_name="watching")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "person"], name="one_watcher_a_person")]

    def __str__(self) -> str:
        return f"{self.person} 关注 {self.case_id}"
