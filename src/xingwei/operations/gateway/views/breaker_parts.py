"""What stands on a breaker's page: the four states, the window, the catch-up, the plan, the course of events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from django.utils import timezone

from xingwei.base.ui.words import duration

from .. import charts
from ..engine.amounts import Money
from ..engine.episodes import Episode, filled
from ..models import Alert, Breaker, BreakerEvent, Channel, Drill, Message, PlanVersion, Queued
from ..queries import amounts
from ..queries import breakers as queries
from ..queries.plans import MODES, approved_version
from ..services.breakers import thresholds_of

SHOWN = dt.timedelta(minutes=80)
LISTED = 2_000
LOOKS = {
    "closed": ("ok", "plug-connected", "闭合"),
    "open": ("pause", "plug-connected-x", "已熔断"),
    "half_open": ("warn", "circle-half-2", "半开 · 试探中"),
    "cut": ("pause", "hand-stop", "人工切断"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """One state of the machine: heading, two lines, whether it is the present one."""

    key: str
    icon: str
    name: str
    lines: tuple[str, ...]
    now: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    lines: tuple[str, ...]
    now: bool = False


def context(channel: Channel, now: dt.datetime | None = None) -> dict[str, Any]:
    """Everything of the live part of the page."""
    now = now or timezone.now()
    limits = thresholds_of(channel)
    row: Breaker | None = getattr(channel, "breaker_now", None)
    state = queries.state_of(channel)
    episodes = queries.history(channel, now)
    current = episodes[-1] if episodes and episodes[-1].until is None else None
    recent = episodes[-1] if episodes else None
    version = approved_version(channel.pk)
    boxes = machine(state, row, episodes, limits, now)
    return {
        "channel": channel, "now": now, "state": state, "row": row, "look": LOOKS[state], "boxes": boxes,
        "version": version, "document": version.document if version else None, "modes": MODES,
        "current": current, "limits": limits, "facts": parameters(channel, limits),
        "chart": window_chart(channel, episodes, limits, now),
        "timeline": timeline(channel), "history": past(channel, episodes, now), "alert": alert_of(channel),
        "plan_costs": costs(version), **caught_up(channel, recent, now), "uncertain": uncertain(channel),
    }  # fmt: skip


def machine(
    state: str, row: Breaker | None, episodes: Sequence[Episode], limits: dict[str, float], now: dt.datetime
) -> list[Box | Arrow]:
    """Four states and what leads from one to the next, with the present one marked."""
    current = episodes[-1] if episodes and episodes[-1].until is None else None
    last = episodes[-1] if episodes else None
    window = row.window if row else {}
    probes, wanted = int(window.get("probes", 0)), int(limits["probes"])
    since = row.since if row else None
    if state == "closed":
        began = last.until if last and last.until else since
        closed = ("全部放行", f"已连续 {duration(now - began)}" if began else "还没有断开过")
    else:
        before = [e for e in episodes if e.until is not None]
        ran = (
            f"，此前连续 {duration(current.since - before[-1].until)}"
            if current and before and before[-1].until
            else ""
        )
        closed = ("全部放行", f"到 {_clock(current.since)} 为止{ran}" if current else "")
    spans = [s for s in (current.spans if current else ()) if s.state in {"open", "cut"}]
    off: tuple[str, ...] = (
        "快速失败，走方案",
        f"{_clock(spans[0].since)} 起，{duration((spans[-1].until or now) - spans[0].since)}"
        if spans
        else "现在没有断开",
    )
    hand = state == "cut" or bool(spans and spans[-1].state == "cut")
    if state in {"open", "cut"} and row is not None:
        ends = f"{_clock(row.until)} 转试探" if row.until else "直到人工恢复"
        off = (off[0], off[1], ends)
    trying = state == "half_open"
    half = (
        (f"连续成功 {probes} / {wanted}", "失败即退回") if trying
        else ("放少量真实请求试探", f"连续成功 {wanted} 笔恢复，失败即退回")
    )  # fmt: skip
    left = max(wanted - probes, 0)
    half_name = f"半开 {duration(now - since)}" if trying and since else "半开"
    return [
        Box("closed", "plug-connected", "闭合", closed, now=state == "closed"),
        Arrow((f"错 ≥ {limits['failure_rate'] * 100:g} %", f"慢 ≥ {limits['slow_rate'] * 100:g} %"), state == "closed"),
        Box("open", "hand-stop" if hand else "plug-connected-x", "人工切断" if hand else "已熔断", off,
            now=state in {"open", "cut"}),
        Arrow((f"等 {limits['wait_s']:g} 秒起", f"至多 {limits['wait_cap_s']:g} 秒"), state in {"open", "cut"}),
        Box("half_open", "circle-half-2", half_name, half, now=trying),
        Arrow((f"还差 {left} 笔",) if trying else (f"成功 {wanted} 笔",), trying),
        Box("restored", "plug-connected", "恢复闭合", ("同时通知方案里的人",), dashed=state != "closed" or last is None),
    ]  # fmt: skip


def window_chart(
    channel: Channel, episodes: Sequence[Episode], limits: dict[str, float], now: dt.datetime
) -> dict[str, Any]:
    """The last 80 minutes in slots of 30 seconds."""
    step = queries.SLOT
    until = dt.datetime.fromtimestamp(now.timestamp() // step.total_seconds() * step.total_seconds() + 30, tz=dt.UTC)
    since = until - SHOWN
    slots = filled(queries.slots(channel, since, until, limits["slow_s"]), since, until, step)
    option = charts.window(slots, episodes, failure_rate=limits["failure_rate"], step=step)
    return {"option": option, "calls": sum(s.ok + s.slow + s.failed for s in slots)}


def caught_up(channel: Channel, episode: Episode | None, now: dt.datetime) -> dict[str, Any]:
    """How far the messages of the last episode are; counted from the listed rows."""
    if episode is None:
        return {"progress": None, "episode": None, "money": {}, "agreed_rate": None}
    rows = list(islice(queries.catch_up(channel, episode.since, episode.until), LISTED + 1))
    more = len(rows) > LISTED
    counted = queries.progress(rows[:LISTED])
    lately = sum(
        1 for r in rows if r.done_at and r.status == "delivered" and now - r.done_at <= dt.timedelta(minutes=5)
    )
    rate = round(lately / 5, 1)
    left = counted.waiting + counted.sending
    version = approved_version(channel.pk)
    return {
        "money": queries.money(rows[:LISTED]), "parts": pieces(counted, queries.money(rows[:LISTED])),
        "agreed_rate": version.document.get("limits", {}).get("catch_up_per_minute") if version else None,
        "episode": episode, "progress": counted, "more_rows": more, "rate": rate,
        "ready_at": now + dt.timedelta(minutes=left / rate) if rate and left else None,
        "to_reconcile": sum(r.must_reconcile and not r.made_good for r in rows),
    }  # fmt: skip


def pieces(counted: queries.Progress, money: dict[str, Money]) -> list[tuple[str, str, int, str]]:
    """Key, label, number and amount in words of each part of the bar; no amount where no money is moved."""
    return [(key, label, n, money[key].words() if key in money else "") for key, label, n in counted.parts()]


def uncertain(channel: Channel) -> list[dict[str, Any]]:
    """The uncertain deliveries with their enquiry in words."""
    from ..models.numbers import number_of

    rows = queries.uncertain(channel)
    types = dict(Message.objects.filter(id__in=[q.message_id for q in rows], received_at__in=[q.message_at for q in rows])
                 .values_list("id", "type")) if amounts.declared(channel) else {}  # fmt: skip
    worth = amounts.of(channel, [(q.message_id, q.message_at, types.get(q.message_id, "")) for q in rows])
    return [
        {
            "row": q, "number": number_of(q.message_at, q.message_id), "inquiry": inquiry_words(q),
            "amount": "—" if q.message_id not in worth else f"{found:,.2f}" if (found := worth[q.message_id]) is not None
            else "不明",
        }
        for q in rows
    ]  # fmt: skip


def inquiry_words(queued: Queued) -> dict[str, str]:
    """State, word and what happens next of an enquiry."""
    inquiry = queued.inquiry or {}
    said, asked = str(inquiry.get("last") or ""), int(inquiry.get("asked") or 0)
    again = f"{timezone.localtime(queued.next_at):%H:%M:%S} 再查" if queued.next_at else "由人裁定"
    if said:
        times = f"（已查 {asked} 次）" if asked > 1 else ""
        return {"state": "warn", "word": f"{said[:40]}{times}", "next": again}
    if asked:
        return {"state": "warn", "word": f"已查 {asked} 次，没有结论", "next": again}
    return {"state": "doing", "word": "正在查询", "next": again}


def timeline(channel: Channel) -> list[dict[str, Any]]:
    """The last changes of state, newest first."""
    events = BreakerEvent.objects.filter(channel=channel).order_by("-at", "-id")[:8]
    out = []
    for event in events:
        kind, icon, word = LOOKS.get(event.after, LOOKS["open"])
        out.append({
            "at": event.at, "kind": {"pause": "late"}.get(kind, kind), "icon": icon,
            "word": word.partition(" ")[0], "reason": event.reason, "by": event.by,
        })  # fmt: skip
    return out


def past(channel: Channel, episodes: Sequence[Episode], now: dt.datetime) -> list[dict[str, Any]]:
    """The last episodes and drills together, newest first."""
    drills = list(Drill.objects.filter(channel=channel, state=Drill.State.DONE).order_by("-started_at")[:8])
    rows = [
        {
            "at": d.started_at, "kind": "演练", "url": d.get_absolute_url(), "why": d.scenario,
            "lasted": (d.ended_at - d.started_at) if d.ended_at and d.started_at else None,
            "state": {"passed": "ok", "partly": "warn"}.get(d.result, "late"), "word": d.get_result_display(),
            **_figures(d.measured),
        }
        for d in drills
    ]  # fmt: skip
    during = [(d.started_at, d.ended_at) for d in drills if d.cut and d.started_at and d.ended_at]
    for episode in reversed(episodes[-8:]):
        if any(begin <= episode.since <= end for begin, end in during):
            continue  # the drill's own row says it better
        over = episode.until is not None
        rows.append({
            "at": episode.since, "kind": "切断" if episode.by_hand else "熔断", "url": "", "why": episode.reason,
            "lasted": episode.lasted(now), "state": "ok" if over else "warn", "word": "已恢复" if over else "恢复中",
            **_figures(_measured(channel, episode, now)),
        })  # fmt: skip
    return sorted(rows, key=lambda r: r["at"], reverse=True)[:6]


def _measured(channel: Channel, episode: Episode, now: dt.datetime) -> dict[str, Any]:
    """What is over is measured again every five minutes only: the page renews itself every five seconds."""
    if episode.until is None:
        return queries.measure(channel, episode.since, now)
    return _measured_lately(channel.pk, episode.since, episode.until, int(now.timestamp() // 300))


@lru_cache(maxsize=128)
def _measured_lately(channel_id: int, since: dt.datetime, until: dt.datetime, when: int) -> dict[str, Any]:
    return queries.measure(Channel(pk=channel_id), since, until)


def _figures(measured: dict[str, Any]) -> dict[str, Any]:
    ratio = measured.get("ratio")
    return {
        "ratio": f"{ratio:g} 倍" if ratio else "—",
        "handled": f"{measured.get('degraded', 0) + measured.get('stored', 0)} / {measured.get('caught_up', 0)}",
    }


def parameters(channel: Channel, limits: dict[str, float]) -> list[tuple[str, str]]:
    """The thresholds in words."""
    budget = channel.call.get("budget_s")
    return [
        ("单笔期限", f"{budget:g} 秒" if budget else f"{channel.delivery.get('timeout_s', 10):g} 秒（投递）"),
        ("失败阈值", f"{limits['failure_rate'] * 100:g} %，{limits['window_s']:g} 秒内至少 {limits['minimum']:g} 次"),
        ("慢调用", f"超过 {limits['slow_s']:g} 秒，占 {limits['slow_rate'] * 100:g} %"),
        ("连续超时", f"{limits['timeouts']:g} 次即断开"),
        ("断开后等待", f"{limits['wait_s']:g} 秒起，翻倍，上限 {limits['wait_cap_s']:g} 秒"),
        ("半开试探", f"连续成功 {limits['probes']:g} 笔"),
        ("业务拒绝", "不计失败（如参保信息为空）"),
    ]


def costs(version: PlanVersion | None) -> str:
    """What the plan costs the main flow, and who agreed, in one sentence."""
    if version is None:
        return ""
    limits = version.document.get("limits", {})
    parts = []
    if "first_wait_s" in limits:
        parts.append(f"首笔最多等 {limits['first_wait_s']:g} 秒")
    if "then_ms" in limits:
        parts.append(f"其后 {limits['then_ms']} 毫秒")
    if "each_yuan" in limits:
        parts.append(f"单笔挂账不超过 {limits['each_yuan']} 元")
    if "total_yuan" in limits:
        parts.append(f"合计不超过 {limits['total_yuan']} 元")
    if "longest_minutes" in limits:
        parts.append(f"最长 {duration(dt.timedelta(minutes=limits['longest_minutes']))}")
    names = "、".join(a.name for a in version.approvals.all() if a.agreed)
    said = f"主流程代价：{'，'.join(parts)}。" if parts else ""
    return f"{said}{f'经 {names} 批准。' if names else ''}"


def alert_of(channel: Channel) -> Alert | None:
    """The alert with a case that belongs to the breaker, if one is firing."""
    rows = Alert.objects.select_related("case").filter(channel=channel, case__isnull=False)
    found: Alert | None = rows.exclude(state=Alert.State.QUIET).order_by("-since").first()
    return found


def _clock(at: dt.datetime) -> str:
    return f"{timezone.localtime(at):%H:%M:%S}"
