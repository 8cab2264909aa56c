"""A verdict in words: the evidence for and against a suspect, what to check next, what was looked at and excluded."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from .position import Field, Place
from .rules import Facts, Match
from .signals import meaning
from .types import Event, Evidence, Finding

_NEXT = {
    "function": ("请换一台终端、换一个账号各试一次", "看是一个科室还是全院"),
    "application": ("看这个应用各节点的线程与错误日志", "与昨天同一时刻的用时比较"),
    "service": ("看它自己的处理器、内存与磁盘", "看它调用的服务哪个先变慢"),
    "database": ("看锁等待链的头是谁", "看最重的语句有没有换执行计划"),
    "host": ("看磁盘、内存与时钟", "同一台主机上别的系统是否也慢"),
    "link": ("从两端各探一次", "看端口错误与丢包"),
    "device": ("到设备旁看屏幕上的通讯状态", "同一交换机上的邻机是否正常"),
    "third_party": ("电话问对方值班，问别的医院是否也这样", "从备用线路再试一次"),
    "interface": ("看最近 20 笔失败的原文", "同一接口上别的业务是否正常"),
    "client": ("同一账号在旁边的终端上试一次",),
    "user": ("请同科室的同事用自己的账号试一次",),
}
_REMEDY = {
    "application": "重启出错的节点前先留下线程快照与日志；有版本变更的先回退",
    "database": "只结束锁等待链的头，并记下它的语句与终端",
    "host": "先清出空间或资源，恢复后补告警门限",
    "link": "换端口或走备用线路，通知网络负责人",
    "device": "请科室与仪器工程师重连，恢复后补传",
    "third_party": "按熔断方案先保窗口业务，通知对方值班",
    "interface": "先停住出错的通道再改，改好后重放积压",
    "client": "先换一台终端继续业务",
    "user": "告知正确的操作，必要时补授权",
}


def next_checks(kind: str) -> tuple[str, ...]:
    return _NEXT.get(kind, _NEXT["service"])


def remedy(kind: str) -> str:
    return _REMEDY.get(kind, "")


def amount(value: float, unit: str) -> str:
    """3.9 秒, 412, 0.02: as few digits as say it."""
    if math.isnan(value):
        return "无数据"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {unit}".strip()


def said(f: Finding) -> str:
    """接口失败率 0.97，平时 0.01，偏离 38 个标准差."""
    if f.state == "silent":
        return f"{f.title}：已经没有数据"
    far = f"，偏离基线 {min(f.sigma, 999):.0f} 个标准差" if f.sigma < 900 else "，远离基线"
    return f"{f.title} {amount(f.value, f.unit)}，平时 {amount(f.usual, f.unit)}{far}"


def evidence(facts: Facts, seen: Field, node: str, match: Match | None, place: Place) -> tuple[Evidence, ...]:
    """For first, then against; at most ten."""
    out: list[Evidence] = []
    used: set[tuple[str, str]] = set()
    own = sorted(facts.findings.get(node, {}).values(), key=lambda f: (-f.strength, f.signal))
    for f in [*own[:4], *(match.findings[:4] if match else ())]:
        if (f.node, f.signal) in used:
            continue
        used.add((f.node, f.signal))
        label = "" if f.node == node else f"{facts.graph.nodes[f.node].label}："
        out.append(Evidence("probe", label + said(f), "for", f.onset, f.node, f.signal, f.url, round(f.strength, 3)))
    if match:
        seen_events: set[int] = set()
        for e in match.events[:4]:
            if id(e) not in seen_events:
                seen_events.add(id(e))
                out.append(_of_event(e))
    felt = [k for k in place.explains if k != node and seen.weight.get(k, 0) > 0.2]
    if felt:
        names = "、".join(facts.graph.nodes[k].label for k in sorted(felt, key=lambda k: -seen.weight[k])[:4])
        more = f"等 {len(felt)} 处" if len(felt) > 4 else ""
        out.append(Evidence("graph", f"它出问题可以解释：{names}{more}", "for", None, node))
    quiet = [k for k in facts.graph.needed_by.get(node, {}) if k in seen.quiet]
    if quiet:
        names = "、".join(facts.graph.nodes[k].label for k in sorted(quiet)[:3])
        out.append(Evidence("graph", f"同样依赖它的 {names} 正常", "against", None, node))
    calm = sorted(s for n, s in facts.quiet if n == node)
    if calm:
        text = "、".join(meaning(s).title or s for s in calm[:4])
        out.append(Evidence("probe", f"{text} 与基线一致", "against", None, node, calm[0]))
    return tuple(out[:10])


def _of_event(e: Event) -> Evidence:
    kind = {"change": "change", "case": "case", "error": "gateway", "lock": "database"}.get(e.kind, e.kind)
    count = f"（{e.data['count']:,} 次）" if isinstance(e.data.get("count"), int) and e.data["count"] > 1 else ""
    return Evidence(kind, f"{e.text or e.code}{count}", "for", e.at, e.node, "", e.ref)


def why(facts: Facts, seen: Field, node: str, match: Match | None, place: Place) -> str:
    """One sentence."""
    if match and match.rule.why:
        return match.rule.why
    own = sorted(facts.findings.get(node, {}).values(), key=lambda f: (-f.strength, f.signal))
    parts = [said(own[0])] if own else ["本身没有测得异常" if node in seen.quiet else "本身没有测点"]
    felt = sum(1 for k in place.explains if k != node)
    if felt:
        parts.append(f"能解释另外 {felt} 处异常")
    if place.contradicted > 0.5:
        parts.append("但多数依赖它的都正常")
    if place.upstream > 0.5:
        parts.append("它所依赖的也有异常")
    return "；".join(parts) + "。"


def states(graph: object, seen: Field, suspects: Sequence[str], found: Sequence[Finding]) -> dict[str, str]:
    """node → suspect, affected, blind or quiet; nodes that nothing is known of are left out."""
    out = dict.fromkeys(seen.quiet, "quiet")
    for f in found:
        out[f.node] = "blind" if f.state == "silent" and out.get(f.node) != "affected" else "affected"
    for node, weight in seen.weight.items():
        if weight >= 0.25:
            out[node] = "affected"
    out.update(dict.fromkeys(suspects, "suspect"))
    return out


def excluded(facts: Facts, causes: set[str]) -> tuple[Evidence, ...]:
    """Changes of the last days that have nothing to do with it: known, looked at, and not on the way."""
    out = []
    near = set().union(*(facts.around(c, "near") | facts.around(c, "needs") for c in causes)) if causes else set()
    for node in sorted(facts.events):
        for e in facts.events[node]:
            fresh = facts.at - e.at <= dt.timedelta(hours=72)
            if e.kind == "change" and fresh and e.node not in near:
                out.append(Evidence("change", e.text, "beside", e.at, e.node, "", e.ref))
    return tuple(sorted(out, key=lambda e: (e.at or facts.at, e.text), reverse=True)[:8])
