"""How a channel is, in a word: from what its process says of it, how old that is, and its breaker. Pure.

The order of the rules is the order of gravity: what people switched off, what cannot run, what nobody knows, what is
wrong, what is slow. A figure that is older than STALE_S is no longer shown as the present.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STALE_S = 15.0
QUEUE_WARN_S = 60.0
ERROR_MINIMUM, ERROR_SHARE = 5, 0.2
GRAVITY = {"late": 0, "warn": 1, "pause": 2, "unknown": 3, "ok": 4}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one channel. age_s: of the gauge, None for no gauge. quarantined: in the last hour."""

    direction: str
    state: str = "running"
    values: Mapping[str, Any] = field(default_factory=dict)
    age_s: float | None = None
    breaker: str = "closed"
    breaker_reason: str = ""
    problem: str = ""
    quarantined: int = 0
    dead: int = 0
    uncertain: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """kind: ok, warn, late, pause, unknown. word: the state; glyph: its icon; why: one sentence, "" where all is well."""

    kind: str
    word: str
    glyph: str
    why: str = ""

    @property
    def gravity(self) -> int:
        return GRAVITY[self.kind]


OK = Health("ok", "正常", "circle-check")


def health(facts: Facts) -> Health:
    for rule in (_switched, _broken, _cut, _silent, _wrong, _queued):
        if (found := rule(facts)) is not None:
            return found
    return OK


def _switched(f: Facts) -> Health | None:
    waiting = _n(f, "waiting")
    kept = f"，{waiting:,} 条在等" if waiting else ""
    if f.state == "stopped":
        return Health("unknown", "停用", "player-stop", "通道已停用，不接入也不送出。")
    if f.state == "paused":
        return Health("pause", "暂停", "player-pause", f"人工暂停{kept}，恢复后按序继续。")
    if f.state == "draining":
        return Health("pause", "排空", "filter-down", f"不再接新消息{kept}，送完后停下。")
    return None


def _broken(f: Facts) -> Health | None:
    return Health("late", "不能运行", "plug-connected-x", f.problem) if f.problem else None


def _cut(f: Facts) -> Health | None:
    waiting = _n(f, "waiting")
    kept = f"存储转发 {waiting:,} 条，恢复后按序补传。" if waiting else ""
    said = f"{f.breaker_reason.rstrip('。')}。" if f.breaker_reason else ""
    if f.breaker == "cut":
        return Health("pause", "人工切断", "hand-stop", said + kept)
    if f.breaker == "open":
        return Health("pause", "已熔断", "plug-connected-x", said + kept)
    if f.breaker == "half_open":
        return Health("warn", "半开", "circle-half-2", f"正在试探对方是否恢复。{kept}")
    return None


def _silent(f: Facts) -> Health | None:
    if f.age_s is None:
        return Health("unknown", "没有数据", "help-circle", "没有网关进程在运行这条通道。")
    if f.age_s > STALE_S:
        return Health("unknown", f"{_ago(f.age_s)}无数据", "clock-question", "网关进程没有报告，下面的数字是旧的。")
    return None


def _wrong(f: Facts) -> Health | None:
    errors, rate = _n(f, "errors_1m"), _n(f, "rate_1m")
    if errors >= ERROR_MINIMUM and errors >= ERROR_SHARE * max(rate, 1):
        share = min(100, round(100 * errors / max(rate, errors, 1)))
        return Health("late", "出错", "alert-circle", f"最近 1 分钟 {errors} 次失败，占 {share} %。")
    if f.quarantined:
        kind = "late" if f.quarantined >= 10 else "warn"
        said = f"最近 1 小时 {f.quarantined} 条读不懂或不合规定，已隔离未转发，原文都在。"
        return Health(kind, f"隔离 {f.quarantined:,}", "shield-x", said)
    if f.uncertain:
        said = f"{f.uncertain} 条送出后没有应答，正在查询对方是否收到，查清之前不重发。"
        return Health("warn", f"结果不明 {f.uncertain:,}", "zoom-question", said)
    if f.dead:
        said = f"{f.dead} 条投递失败，已让路，其余照常。"
        return Health("warn", f"死信 {f.dead:,}", "mail-exclamation", said)
    return None


def _queued(f: Facts) -> Health | None:
    oldest, waiting = float(f.values.get("oldest_s") or 0), _n(f, "waiting")
    if oldest > QUEUE_WARN_S:
        return Health(
            "warn", f"排队 {_ago(oldest)}".strip(), "hourglass", f"排队 {waiting:,} 条，最久的等了 {_ago(oldest)}。"
        )
    return None


def _n(f: Facts, key: str) -> int:
    return int(f.values.get(key) or 0)


def _ago(seconds: float) -> str:
    if seconds < 60:
        return f"{int(seconds)} 秒"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} 分"
    return f"{minutes // 60} 时" if minutes < 60 * 48 else f"{minutes // 1440} 天"
