"""A channel of the own gateway, as its holder last wrote it: rate, queue, oldest, errors, breaker; costs nobody anything."""

from __future__ import annotations

from typing import Any

from ...engine.judging import Limit, number
from ..base import UP, Kind, Looked, Signal, Task, register, schema

_READ = """
SELECT c.direction, c.state, extract(epoch FROM now() - g.at), g.values, b.state
FROM gateway_channel c LEFT JOIN gateway_gauge g ON g.channel_id = c.id LEFT JOIN gateway_breaker b ON b.channel_id = c.id
WHERE c.code = %s
"""
SIGNALS = (
    Signal("if.rate", "流量", "条/分", "low"), Signal("if.err", "失败率", "", "high"), Signal("if.queue", "积压", "条"),
    Signal("if.oldest_s", "最久等待", "秒"), Signal("if.ack_ms", "对方应答", "毫秒"), Signal("if.dead", "死信", "条"),
    Signal("if.uncertain", "结果不明", "条"),
)  # fmt: skip
STALE_S = 15


async def look(task: Task) -> Looked:
    code = task.settings["channel"]
    db = await task.shared["db"]("gateway")
    row = await (await db.execute(_READ, [code])).fetchone()
    if row is None:
        return Looked(False, f"接口网关里没有通道 {code}")
    _, state, age, found, breaker = row
    if state in {"stopped", "paused"}:
        return Looked(True, "通道停用或暂停着")
    if age is None or age > STALE_S:
        return Looked(False, "接口网关没有报告这条通道")
    values = _values(found)
    if breaker in {"open", "half_open"}:
        return Looked(False, "已熔断" if breaker == "open" else "熔断后半开试探中", values)
    if breaker == "cut":
        return Looked(True, "按计划人工切断", values)
    return Looked(True, f"{number(values.get('if.rate', 0))} 条/分，积压 {number(values.get('if.queue', 0))}", values)


def _values(found: dict[str, Any]) -> dict[str, float]:
    out: dict[str, float] = {}
    for name, signal in (("rate_1m", "if.rate"), ("waiting", "if.queue"), ("oldest_s", "if.oldest_s"),
                         ("latency_p95_ms", "if.ack_ms"), ("dead", "if.dead"), ("uncertain", "if.uncertain")):  # fmt: skip
        value = found.get(name)
        if isinstance(value, (int, float)):
            out[signal] = float(value)
    rate, errors = found.get("rate_1m"), found.get("errors_1m")
    if isinstance(rate, (int, float)) and isinstance(errors, (int, float)):
        out["if.err"] = errors / max(rate, errors, 1.0)
    return out


register(
    Kind("gateway", "网关通道", "读接口网关自己报告的流量、积压、失败与熔断",
         schema({"channel": {"type": "string", "minLength": 1, "maxLength": 40, "title": "通道代码"}}, ["channel"]),
         (UP, *SIGNALS), look, (Limit("if.oldest_s", warn=300, down=1800), Limit("if.dead", warn=1)), layer="interface")
)  # fmt: skip
