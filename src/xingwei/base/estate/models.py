"""What is maintained: systems and their parts, who owns them, what depends on what, and their parameters."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import Department, Organisation, User
from xingwei.base.policy.querysets import RestrictedQuerySet

code_of = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "只能用字母、数字和 . _ -，并以字母或数字开头")


def aliases() -> ArrayField[list[str], list[str]]:
    """The words by which people call it on the telephone; they feed the vocabulary."""
    return ArrayField(models.CharField(max_length=30), verbose_name="别名", default=list, blank=True)


class System(models.Model):
    """One of the ten maintained systems: HIS, CIS, LIS, OPD, EMR, ODR, ESB, DEV, YB, POL."""

    class Tier(models.TextChoices):
        BUSINESS = "business", "业务系统"
        PLATFORM = "platform", "平台与数据"
        INTERFACE = "interface", "接口"

    code = models.CharField("代码", max_length=10, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    short_name = models.CharField("简称", max_length=20)
    tier = models.CharField("类别", max_length=10, choices=Tier.choices, default=Tier.BUSINESS)
    aliases = aliases()
    order = models.PositiveSmallIntegerField("次序", default=0)
    description = models.TextField("说明", blank=True)
    vendor = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, verbose_name="厂商")
    clause = models.CharField("合同章节", max_length=20, blank=True)

    KIND = "system"
    SCOPES = {"system": ("code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "系统"
        ordering = ["order"]

    def __str__(self) -> str:
        return self.short_name

    def get_absolute_url(self) -> str:
        return reverse("estate:system", args=[self.code])


class Subsystem(models.Model):
    """A subsystem that the requirements name, e.g. 门诊医生工作站."""

    system = models.ForeignKey(System, models.CASCADE, related_name="subsystems", verbose_name="系统")
    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    aliases = aliases()
    description = models.TextField("说明", blank=True)
    clause = models.CharField("合同条款", max_length=20, blank=True)
    active = models.BooleanField("在用", default=True)

    KIND = "subsystem"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "子系统"
        ordering = ["system__order", "code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('estate:system', args=[self.system.code])}#{self.code}"


class BusinessFunction(models.Model):
    """What people do (挂号, 收费, 医嘱保存): the unit of up or down. window: whether window departments need it."""

    system = models.ForeignKey(System, models.CASCADE, related_name="functions", verbose_name="系统")
    subsystem = models.ForeignKey(
        Subsystem, models.SET_NULL, null=True, blank=True, related_name="functions", verbose_name="子系统"
    )
    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=40)
    aliases = aliases()
    window = models.BooleanField("窗口业务", default=False)
    departments = models.ManyToManyField(Department, blank=True, related_name="functions", verbose_name="使用科室")
    description = models.TextField("说明", blank=True)
    active = models.BooleanField("在用", default=True)

    KIND = "function"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "业务功能"
        ordering = ["system__order", "code"]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        return f"{self.KIND}:{self.code}"

    def get_absolute_url(self) -> str:
        return reverse("estate:function", args=[self.code])


class Component(models.Model):
    """A part that can fail by itself."""

    class Kind(models.TextChoices):
        APPLICATION = "application", "应用"
        DATABASE = "database", "数据库"
        HOST = "host", "主机"
        LINK = "link", "网络链路"
        DEVICE = "device", "设备"
        THIRD_PARTY = "third_party", "第三方"

    system = models.ForeignKey(
        System, models.PROTECT, null=True, blank=True, related_name="components", verbose_name="系统"
    )
    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    aliases = aliases()
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    location = models.CharField("位置", max_length=80, blank=True)
    address = models.CharField("地址", max_length=120, blank=True)
    version = models.CharField("版本型号", max_length=60, blank=True)
    responsible = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, verbose_name="责任方")
    note = models.TextField("说明", blank=True)
    active = models.BooleanField("在用", default=True)

    KIND = "component"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "部件"
        ordering = ["system__order", "kind", "code"]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        return f"{self.KIND}:{self.code}"

    def get_absolute_url(self) -> str:
        return reverse("estate:component", args=[self.code])


class Interface(models.Model):
    """What connects a system with another party; an owner on each side."""

    class Direction(models.TextChoices):
        OUT = "out", "发出"
        IN = "in", "接收"
        BOTH = "both", "双向"

    system = models.ForeignKey(System, models.PROTECT, related_name="interfaces", verbose_name="系统")
    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    aliases = aliases()
    protocol = models.CharField("协议", max_length=60, blank=True)
    direction = models.CharField("方向", max_length=4, choices=Direction.choices, default=Direction.BOTH)
    peer = models.CharField("对方系统", max_length=60, blank=True)
    peer_organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="对方单位"
    )
    policy = models.BooleanField("政策性接口", default=False)
    clause = models.CharField("合同条款", max_length=20, blank=True)
    fallback = models.TextField("中断时怎么办", blank=True, help_text="对方不通时业务如何继续（1.7c 熔断方案的口头版）")
    note = models.TextField("说明", blank=True)
    active = models.BooleanField("在用", default=True)

    KIND = "interface"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "接口"
        ordering = ["system__order", "code"]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        return f"{self.KIND}:{self.code}"

    def get_absolute_url(self) -> str:
        return reverse("estate:interface", args=[self.code])


class Dependency(models.Model):
    """`source` needs `target`: where target fails, source is affected. Ends are components, interfaces, functions."""

    class Kind(models.TextChoices):
        RUNS_ON = "runs_on", "运行于"
        STORES_IN = "stores_in", "数据存于"
        CALLS = "calls", "调用"
        CONNECTS = "connects", "经由"
        SERVES = "serves", "支撑"

    source = models.CharField("起点", max_length=60, help_text="component:CODE、interface:CODE 或 function:CODE")
    target = models.CharField("终点", max_length=60)
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)

    class Meta:
        verbose_name = verbose_name_plural = "依赖"
        ordering = ["source", "target"]
        constraints = [models.UniqueConstraint(fields=["source", "target", "kind"], name="one_dependency_a_kind")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class Ownership(models.Model):
    """Who answers for a system, component or interface, on which side, in which part."""

    class Part(models.TextChoices):
        OWNER = "owner", "负责人"
        BACKUP = "backup", "备份负责人"
        BUSINESS = "business", "业务联系人"
        PEER = "peer", "对方联系人"

    subject = models.CharField("对象", max_length=60, help_text="system:CODE、component:CODE 或 interface:CODE")
    person = models.ForeignKey(User, models.CASCADE, related_name="ownerships", verbose_name="人员")
    part = models.CharField("职责", max_length=10, choices=Part.choices)

    class Meta:
        verbose_name = verbose_name_plural = "负责人"
        ordering = ["subject", "part"]
        constraints = [models.UniqueConstraint(fields=["subject", "person", "part"], name="one_ownership_a_part")]

    def __str__(self) -> str:
        return f"{self.subject}：{self.person}"


class ServiceWindow(models.Model):
    """When a system must be up, and when it may be maintained. weekdays: "1234567"; times local."""

    class Kind(models.TextChoices):
        SERVICE = "service", "服务时段"
        MAINTENANCE = "maintenance", "维护窗口"

    system = models.ForeignKey(System, models.CASCADE, related_name="windows", verbose_name="系统")
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    weekdays = models.CharField("星期", max_length=7, default="1234567")
    start = models.TimeField("起")
    end = models.TimeField("止")
    note = models.CharField("说明", max_length=120, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "时段"
        ordering = ["system__order", "kind", "start"]

    def __str__(self) -> str:
        return f"{self.system} {self.get_kind_display()} {self.start:%H:%M}–{self.end:%H:%M}"

    @property
    def days_in_words(self) -> str:
        """每天, 周一至周五, 周二、周三; and that it runs over midnight."""
        names = "一二三四五六日"
        days = [int(d) - 1 for d in sorted(self.weekdays)]
        if len(days) == 7:
            words = "每天"
        elif len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
            words = f"周{names[days[0]]}至周{names[days[-1]]}"
        else:
            words = "、".join(f"周{names[d]}" for d in days)
        return f"{words}，跨零点" if self.end < self.start else words


class Parameter(models.Model):
    """An entry of a system's parameter dictionary (clause 2.2): meaning, values, effect, advice."""

    system = models.ForeignKey(System, models.CASCADE, related_name="parameters", verbose_name="系统")
    subsystem = models.ForeignKey(
        Subsystem, models.SET_NULL, null=True, blank=True, related_name="parameters", verbose_name="子系统"
    )
    code = models.CharField("参数代码", max_length=60, validators=[code_of])
    name = models.CharField("参数名", max_length=80)
    meaning = models.TextField("含义")
    allowed = models.CharField("取值", max_length=300, blank=True)
    default = models.CharField("默认值", max_length=120, blank=True)
    effect = models.TextField("影响", blank=True)
    advice = models.TextField("建议", blank=True)
    since = models.CharField("自版本", max_length=40, blank=True)
    active = models.BooleanField("在用", default=True)

    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "参数"
        ordering = ["system__order", "code"]
        constraints = [models.UniqueConstraint(fields=["system", "code"], name="one_parameter_a_code")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("estate:parameter", args=[self.system.code, self.code])


class ParameterValue(models.Model):
    """The history of a parameter's value at this hospital; append-only, the newest is in force."""

    parameter = models.ForeignKey(Parameter, models.CASCADE, related_name="history")
    value = models.CharField("值", max_length=300)
    before = models.CharField("原值", max_length=300, blank=True)
    reason = models.CharField("原因", max_length=300)
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="修改人")
    changed_by_name = models.CharField("修改人", max_length=80, blank=True)
    changed_at = models.DateTimeField("修改时间")

    class Meta:
        verbose_name = verbose_name_plural = "参数的历次设值"
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.parameter}={self.value}"
