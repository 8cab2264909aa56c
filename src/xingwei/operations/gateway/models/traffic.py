"""What goes through. The tables of the hot path: the gateway's processes write them with COPY, without the ORM.

`gateway_message`, `gateway_delivery` and `gateway_attempt` are partitioned by day; they are append-only. What is
not yet done lives in `gateway_queued` alone, which stays small: a row is written with its message, in the same commit,
and deleted in the commit that writes its delivery.
"""

from __future__ import annotations

from django.db import models

from xingwei.base.policy.querysets import RestrictedQuerySet


class Message(models.Model):
    """What was received, byte for byte, and what was answered. Primary key in the database: (received_at, id)."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", "已接收"
        QUARANTINED = "quarantined", "隔离"
        REFUSED = "refused", "已拒绝"

    id = models.BigIntegerField(primary_key=True)
    received_at = models.DateTimeField("接收时间")
    channel_id = models.IntegerField("通道")
    state = models.CharField("状态", max_length=11, choices=State.choices)
    control_id = models.TextField("控制号", blank=True)
    type = models.TextField("类型", blank=True)
    key = models.TextField("顺序键", blank=True)
    patient = models.TextField("患者号", blank=True)
    reference = models.TextField("业务号", blank=True)
    event_at = models.DateTimeField("业务时间", null=True)
    charset = models.TextField("字符集", blank=True)
    peer = models.TextField("对端", blank=True)
    size = models.IntegerField("字节数")
    digest = models.BinaryField("SM3")
    raw = models.BinaryField("原文")
    answer = models.BinaryField("应答", null=True)
    problem = models.TextField("问题", blank=True)
    replay_of = models.BigIntegerField("重放自", null=True)
    targets = models.SmallIntegerField("目的数", default=0)

    KIND = "message"
    SCOPES: dict[str, tuple[str, ...]] = {}
    objects = RestrictedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "gateway_message"
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """M-261124-418829: the day (Asia/Shanghai) finds the partition."""
        from .numbers import number_of

        return number_of(self.received_at, self.id)


class Queued(models.Model):
    """A delivery that is not done. See docs/gateway.md for the states and who may change them."""

    class State(models.TextChoices):
        WAITING = "waiting", "等待投递"
        SENDING = "sending", "投递中"
        UNCERTAIN = "uncertain", "结果不明"
        HELD = "held", "暂缓"
        DEAD = "dead", "死信"

    id = models.BigIntegerField(primary_key=True)
    message_id = models.BigIntegerField("消息")
    message_at = models.DateTimeField("接收时间")
    channel_id = models.IntegerField("目的通道")
    route_version_id = models.IntegerField("规则版本", null=True)
    order_key = models.TextField("顺序键", blank=True)
    state = models.CharField("状态", max_length=9, choices=State.choices)
    attempts = models.IntegerField("次数", default=0)
    next_at = models.DateTimeField("下次", null=True)
    queued_at = models.DateTimeField("入队时间")
    first_sent_at = models.DateTimeField("首次投递", null=True)
    size = models.IntegerField("字节数", default=0)
    code = models.TextField("错误代码", blank=True)
    reason = models.TextField("原因", blank=True)
    payload = models.BinaryField("改后的内容", null=True)
    inquiry = models.JSONField("查询", null=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "gateway_queued"
        ordering = ["id"]


class Delivery(models.Model):
    """A delivery that is done, one way or another."""

    class Outcome(models.TextChoices):
        DELIVERED = "delivered", "已投递"
        ANSWERED = "answered", "已应答"
        DEGRADED = "degraded", "按方案应答"
        SKIPPED = "skipped", "跳过并标记"
        DROPPED = "dropped", "不转发"
        CANCELLED = "cancelled", "已取消"

    id = models.BigIntegerField(primary_key=True)
    done_at = models.DateTimeField("完成时间")
    message_id = models.BigIntegerField("消息")
    message_at = models.DateTimeField("接收时间")
    channel_id = models.IntegerField("目的通道")
    route_version_id = models.IntegerField("规则版本", null=True)
    order_key = models.TextField("顺序键", blank=True)
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices)
    attempts = models.IntegerField("次数", default=1)
    queued_at = models.DateTimeField("入队时间")
    first_sent_at = models.DateTimeField("首次投递", null=True)
    sent_at = models.DateTimeField("最后投递", null=True)
    latency_us = models.IntegerField("对方用时（微秒）", default=0)
    processed = models.BinaryField("加工后", null=True)
    response = models.BinaryField("对方应答", null=True)
    code = models.TextField("代码", blank=True)
    size = models.IntegerField("字节数", default=0)
    settled_by = models.TextField("如何确定", blank=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "gateway_delivery"
        ordering = ["-done_at", "-id"]


class Attempt(models.Model):
    """A try that did not succeed; the one that did is the Delivery."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("时间")
    queued_id = models.BigIntegerField("投递")
    message_id = models.BigIntegerField("消息")
    channel_id = models.IntegerField("目的通道")
    number = models.IntegerField("第几次")
    outcome = models.TextField("结果", help_text="timeout、refused、rejected、broken、uncertain、breaker")
    code = models.TextField("代码", blank=True)
    reason = models.TextField("原因", blank=True)
    latency_us = models.IntegerField("用时（微秒）", default=0)
    response = models.BinaryField("对方应答", null=True)
    wait_ms = models.IntegerField("退避（毫秒）", default=0)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "gateway_attempt"
        ordering = ["at", "id"]
