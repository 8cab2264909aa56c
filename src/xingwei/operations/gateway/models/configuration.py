"""What the hospital configures: channels, routes with their versions, code maps with theirs."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import Interface, System, code_of
from xingwei.base.policy.querysets import RestrictedQuerySet

_CALLED = {"insurance": "医保", "file": "文件", "database": "数据库", "serial": "串口"}


class Channel(models.Model):
    """One way in (a listener, a poller) or one way out (a sender). `kind` names the package under channels/.

    settings: checked against the kind's JSON Schema. delivery: how a way out sends and retries; call: the deadline
    budget of a way in that waits for an answer; breaker: thresholds (see engine.breaker.Policy).
    """

    class Direction(models.TextChoices):
        IN = "in", "接入"
        OUT = "out", "送出"

    class State(models.TextChoices):
        RUNNING = "running", "运行"
        PAUSED = "paused", "暂停"
        DRAINING = "draining", "排空"
        STOPPED = "stopped", "停用"

    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    direction = models.CharField("方向", max_length=3, choices=Direction.choices)
    kind = models.CharField("协议", max_length=20)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.RUNNING)
    system = models.ForeignKey(System, models.PROTECT, verbose_name="系统")
    interface = models.ForeignKey(Interface, models.PROTECT, null=True, blank=True, verbose_name="接口")
    peer = models.CharField("对方", max_length=60, help_text="拓扑图上的节点：设备、科室系统、核心系统或院外单位")
    zone = models.CharField(
        "所在区", max_length=10,
        choices=[("device", "设备"), ("department", "科室系统"), ("core", "核心系统"), ("outside", "院外与第三方")],
        default="core",
    )  # fmt: skip
    settings = models.JSONField("连接参数", default=dict)
    delivery = models.JSONField("投递参数", default=dict, blank=True)
    call = models.JSONField("调用参数", default=dict, blank=True)
    breaker = models.JSONField("熔断参数", default=dict, blank=True)
    capacity = models.PositiveIntegerField("队列上限", default=200_000, help_text="等待投递的消息达到此数时暂停接入")
    retention_days = models.PositiveIntegerField("保留天数", default=184)
    note = models.TextField("说明", blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    @property
    def protocol(self) -> str:
        """The kind as people call it."""
        return _CALLED.get(self.kind, self.kind.upper())

    KIND = "channel"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "通道"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("gateway:channel", args=[self.code])


class _Versioned(models.Model):
    """A draft may change; what was once released never does, so that a message can be explained for good."""

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        RELEASED = "released", "生效"
        RETIRED = "retired", "已被替换"

    number = models.PositiveIntegerField("版本")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.DRAFT)
    document = models.JSONField("内容", default=dict)
    note = models.CharField("改了什么", max_length=300, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="起草")
    approver = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="复核")
    created_at = models.DateTimeField("起草时间", auto_now_add=True)
    released_at = models.DateTimeField("生效时间", null=True)

    class Meta:
        abstract = True


class Route(models.Model):
    """From one channel in to one or several channels out; what it does is in its versions (engine.rules)."""

    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    source = models.ForeignKey(Channel, models.PROTECT, related_name="routes", verbose_name="来源通道")
    system = models.ForeignKey(System, models.PROTECT, verbose_name="系统")
    active = models.BooleanField("在用", default=True)

    KIND = "route"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "路由"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("gateway:route", args=[self.code])


class RouteVersion(_Versioned):
    route = models.ForeignKey(Route, models.CASCADE, related_name="versions")

    class Meta:
        ordering = ["route", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["route", "number"], name="one_number_a_route"),
            models.UniqueConstraint(
                fields=["route"], condition=models.Q(state="released"), name="one_released_version_a_route"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route} 第 {self.number} 版"


class CodeMap(models.Model):
    """A dictionary from one side's codes to the other's (仪器项目 → LIS 项目)."""

    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    system = models.ForeignKey(System, models.PROTECT, verbose_name="系统")

    KIND = "code_map"
    SCOPES = {"system": ("system__code",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "编码对照"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("gateway:map", args=[self.code])


class CodeMapVersion(_Versioned):
    """document: {"pairs": {from: to}, "missing": "keep" | "refuse" | "default", "default": ""}."""

    map = models.ForeignKey(CodeMap, models.CASCADE, related_name="versions")

    class Meta:
        ordering = ["map", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["map", "number"], name="one_number_a_map"),
            models.UniqueConstraint(
                fields=["map"], condition=models.Q(state="released"), name="one_released_version_a_map"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.map} 第 {self.number} 版"
