"""Rows of the message path for tests: channels, messages, deliveries, attempts, queued ones."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from xingwei.base.estate.models import System
from xingwei.operations.gateway.models import Attempt, Channel, Delivery, Message, Queued

_ids = itertools.count(1_000_001)


def channel(code: str = "yb", *, direction: str = "out", system: str = "YB", **values: Any) -> Channel:
    row, _ = System.objects.get_or_create(code=system, defaults={"name": system, "short_name": system})
    values = {"name": "医保接口", "kind": "http", "peer": "医保中心", "zone": "outside", **values}
    return Channel.objects.create(code=code, direction=direction, system=row, **values)


def message(where: Channel, at: dt.datetime, **values: Any) -> Message:
    raw = values.pop("raw", b"abc")
    values = {"state": "accepted", "type": "2207", "reference": "", **values}
    return Message.objects.create(
        id=next(_ids), received_at=at, channel_id=where.pk, size=len(raw), digest=b"x" * 32, raw=raw, **values
    )


def delivered(
    out: Channel, at: dt.datetime, *, took_ms: int = 100, outcome: str = "answered", **values: Any
) -> Delivery:
    came = values.pop("message", None) or message(out, at - dt.timedelta(milliseconds=took_ms), **values.pop("of", {}))
    queued = values.pop("queued_at", came.received_at)
    return Delivery.objects.create(
        id=next(_ids), done_at=at, message_id=came.id, message_at=came.received_at, channel_id=out.pk, outcome=outcome,
        queued_at=queued, first_sent_at=values.pop("first_sent_at", queued), sent_at=queued,
        latency_us=took_ms * 1000, size=came.size, **values,
    )  # fmt: skip


def failed(out: Channel, at: dt.datetime, outcome: str = "timeout", **values: Any) -> Attempt:
    return Attempt.objects.create(
        id=next(_ids), at=at, queued_id=1, message_id=1, channel_id=out.pk, number=1, outcome=outcome,
        latency_us=5_000_000, **values,
    )  # fmt: skip


def queued(out: Channel, at: dt.datetime, state: str = "waiting", **values: Any) -> Queued:
    came = values.pop("message", None) or message(out, at, **values.pop("of", {}))
    return Queued.objects.create(
        id=next(_ids), message_id=came.id, message_at=came.received_at, channel_id=out.pk, state=state, queued_at=at,
        **values,
    )  # fmt: skip


PLAN = {
    "mode": "store",
    "sentence": "医保中心结算超时。请先按自费挂账，恢复后统一补结算，患者不用再跑。",
    "screen": "收费窗口",
    "answer": {"infcode": -1, "err_msg": "{sentence}"},
    "lines": [
        {"name": "门诊", "types": ["2206", "2207"], "mode": "answer", "text": "自费挂账，恢复后补结，差额原路退"},
        {"name": "住院", "types": ["2401"], "mode": "store", "text": "入院登记存储转发"},
    ],
    "tell": ["insurance_office"],
    "reconcile": ["次日与医保中心对总账、对明细"],
    "limits": {"first_wait_s": 5, "then_ms": 3, "catch_up_per_minute": 6},
}
