"""Services and events that systems publish, and who may use them (clauses 7.2, 7.3, 7.5)."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from xingwei.base.accounts.models import Organisation, User
from xingwei.base.estate.models import Interface, System, code_of
from xingwei.base.policy.querysets import RestrictedQuerySet

from .configuration import Channel, Route


class Service(models.Model):
    """A service (called) or an event (pushed) that a system publishes."""

    class Kind(models.TextChoices):
        SERVICE = "service", "服务（调用）"
        EVENT = "event", "事件（推送）"

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        PUBLISHED = "published", "已发布"
        RETIRED = "retired", "已停用"

    code = models.CharField("代码", max_length=40, unique=True, validators=[code_of])
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类型", max_length=7, choices=Kind.choices)
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.DRAFT)
    system = models.ForeignKey(System, models.PROTECT, related_name="services", verbose_name="提供方系统")
    interface = models.ForeignKey(Interface, models.PROTECT, null=True, blank=True, verbose_name="接口")
    channel = models.ForeignKey(
        Channel, models.PROTECT, null=True, blank=True, related_name="services", verbose_name="通道"
    )
    types = models.JSONField("消息类型", default=list, blank=True)
    protocol = models.CharField("协议与格式", max_length=80)
    description = models.TextField("说明", max_length=2000)
    sample = models.TextField("样例", max_length=8000, blank=True, help_text="不含真实患者信息")
    limits = models.CharField("使用约束", max_length=300, blank=True)
    owner = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="负责人")
    version = models.PositiveIntegerField("版本", default=1)
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    KIND = "service"
    SCOPES = {"system": ("system__code",), "own": ("owner_id",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "服务"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("gateway:service", args=[self.code])


class Subscription(models.Model):
    """A system or an outside organisation uses a service: asked for, approved by the owner, in force, ended."""

    class State(models.TextChoices):
        REQUESTED = "requested", "待批准"
        APPROVED = "approved", "已批准"
        IN_FORCE = "in_force", "生效"
        REFUSED = "refused", "未批准"
        ENDED = "ended", "已终止"

    service = models.ForeignKey(Service, models.PROTECT, related_name="subscriptions", verbose_name="服务")
    system = models.ForeignKey(
        System, models.PROTECT, null=True, blank=True, related_name="subscriptions", verbose_name="订阅方系统"
    )
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="订阅方单位"
    )
    subscriber = models.CharField("订阅方", max_length=80)
    purpose = models.CharField("用途", max_length=300)
    volume = models.CharField("预计量", max_length=80, blank=True)
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.REQUESTED)
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="申请人")
    requested_at = models.DateTimeField("申请时间")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="审批人")
    decided_at = models.DateTimeField("审批时间", null=True, blank=True)
    decision = models.CharField("意见", max_length=300, blank=True)
    starts_on = models.DateField("自", null=True, blank=True)
    ends_on = models.DateField("至", null=True, blank=True)
    channel = models.ForeignKey(
        Channel, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="推送到（送出通道）"
    )
    route = models.ForeignKey(Route, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="路由")
    ended_at = models.DateTimeField("终止时间", null=True, blank=True)
    ended_why = models.CharField("终止原因", max_length=300, blank=True)

    KIND = "subscription"
    SCOPES = {"system": ("service__system__code",), "own": ("requested_by_id",)}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "订阅"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "subscriber"],
                condition=models.Q(state__in=["requested", "approved", "in_force"]),
                name="one_live_subscription",
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} 订阅 {self.service}"

    def get_absolute_url(self) -> str:
        return f"{self.service.get_absolute_url()}#s{self.pk}"
