"""The journal's tables. Entries, seals and signed heads are append-only: triggers refuse UPDATE and TRUNCATE,
and DELETE of anything but what a signed head declares purged under the retention rule (migrations/0002)."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db import models

from .engine.heads import Head


class Entry(models.Model):
    """One act: who, when, from where, what, on what, before and after (GB/T 22239-2019, 8.1.4.3)."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("时间")
    actor_id = models.BigIntegerField("账号", null=True)
    actor_name = models.CharField("姓名", max_length=80)
    organisation = models.CharField("单位", max_length=80, blank=True)
    address = models.CharField("来源地址", max_length=64, blank=True)
    via = models.CharField("途径", max_length=20)
    act = models.CharField("动作", max_length=80, help_text="room.thing.verb")
    target_type = models.CharField("对象类型", max_length=60, blank=True)
    target_id = models.CharField("对象编号", max_length=64, blank=True)
    target_label = models.CharField("对象", max_length=200, blank=True)
    summary = models.CharField("摘要", max_length=500)
    before = models.JSONField("之前", null=True)
    after = models.JSONField("之后", null=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            # lists and timelines are sorted by time, newest first, and paged by keyset
            models.Index(fields=["target_type", "target_id", "-at", "-id"], name="journal_target"),
            models.Index(fields=["actor_id", "-at", "-id"], name="journal_actor"),
            models.Index(fields=["act", "-at", "-id"], name="journal_act"),
            models.Index(fields=["-at", "-id"], name="journal_time"),
        ]

    def __str__(self) -> str:
        return self.summary


class Seal(models.Model):
    """An entry's place in the chain (engine/chain.py). Append-only. Never an UPDATE of the entry itself."""

    seq = models.BigIntegerField("序号", primary_key=True)
    entry_id = models.BigIntegerField("记录号", unique=True)
    prev = models.BinaryField("前一校验值")
    hash = models.BinaryField("校验值")

    def __str__(self) -> str:
        return f"{self.seq}"


class Pending(models.Model):
    """Entries that wait for the sealer; a trigger on Entry fills it, in the transaction of the entry."""

    entry_id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"{self.entry_id}"


class SignedHead(models.Model):
    """A signed head (engine/heads.py), in the order of signing. Append-only."""

    id = models.BigAutoField(primary_key=True)
    seq = models.BigIntegerField("序号")
    hash = models.BinaryField("校验值")
    at = models.DateTimeField("签发时间")
    prev = models.BinaryField("前一链头")
    purged = models.BigIntegerField("已清理到", default=0)
    marks = models.BinaryField("行标记")
    key_id = models.CharField("密钥", max_length=64)
    signature = models.BinaryField("签名")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["seq"], name="journal_head_seq")]

    def __str__(self) -> str:
        return f"{self.seq} {self.key_id}"

    def engine(self) -> Head:
        """The head as the engine knows it."""
        return Head(
            seq=self.seq,
            hash=bytes(self.hash),
            at=self.at,
            prev=bytes(self.prev),
            purged=self.purged,
            marks=bytes(self.marks),
            key_id=self.key_id,
            signature=bytes(self.signature),
        )

    @staticmethod
    def values(head: Head) -> dict[str, Any]:
        """The columns of a head, for create()."""
        return {f.name: getattr(head, f.name) for f in dataclasses.fields(head)}


class HeadExport(models.Model):
    """How far one destination off this database has received the heads, and what went wrong last."""

    destination = models.CharField("去处", max_length=500, primary_key=True)
    head_id = models.BigIntegerField(default=0)
    seq = models.BigIntegerField("已送到序号", default=0)
    exported_at = models.DateTimeField("最近成功", null=True)
    failed_at = models.DateTimeField("最近失败", null=True)
    error = models.CharField("失败原因", max_length=500, blank=True)

    def __str__(self) -> str:
        return self.destination


class Verification(models.Model):
    """One verification of the chain or of a part of it, with its progress and what it found."""

    QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"

    id = models.BigAutoField(primary_key=True)
    asked_by = models.CharField("发起人", max_length=80)
    asked_by_id = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField("发起时间")
    first_seq = models.BigIntegerField("从序号", null=True)
    last_seq = models.BigIntegerField("到序号", null=True)
    state = models.CharField("状态", max_length=10, default=QUEUED)
    checked = models.BigIntegerField("已校验", default=0)
    total = models.BigIntegerField("共", default=0)
    touched_at = models.DateTimeField("最近进展", null=True)
    finished_at = models.DateTimeField("完成时间", null=True)
    intact = models.BooleanField("完好", null=True)
    sentence = models.CharField("结论", max_length=500, blank=True)
    problem = models.JSONField("第一处问题", null=True)
    remarks = models.JSONField("提示", default=list)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.sentence or self.state
