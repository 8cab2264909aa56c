"""容量与流量: what goes through, where it waits (7.1b), how it grows and when space ends (7.2)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from xingwei.base.site import queries as site

from .. import charts
from ..engine.forecast import Forecast, NotEnough, full_on
from ..engine.volumes import in_words, merged, quantile, size_words
from ..models import Channel, SpaceSample
from ..queries import volumes as queries
from .common import GatewayPage

GRAINS = (("m", "分钟", "最近 2 时"), ("h", "小时", "最近 3 天"), ("d", "日", "最近 60 天"))
HORIZON = 180


class Volumes(GatewayPage):
    """Rates, latencies, sizes, queue ages and errors, of all channels or one."""

    tab = "volumes"
    permission = "gateway.capacity:view"
    template_name = "gateway/volumes/page.html"
    title = "容量与流量"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        channels = list(Channel.objects.restrict(self.actor, "gateway.channel:view").select_related("system"))
        grain = self.request.GET.get("grain", "m")
        grain = grain if grain in {g: 1 for g, *_ in GRAINS} else "m"
        code = self.request.GET.get("channel", "")
        one = next((c for c in channels if c.code == code), None)
        chosen = [one] if one else channels
        ids = [c.pk for c in chosen]
        found = queries.series(ids, grain)
        waits = queries.waiting(channels)
        return super().get_context_data(**kwargs) | {
            "channels": channels, "one": one, "grain": grain, "grains": GRAINS, "waits": waits,
            "verdict": verdict(waits), "charts": drawn(found, ids, grain), "errors": found.errors,
            "sums": sums(found, grain), "now": timezone.now(),
        }  # fmt: skip


def sums(found: queries.Series, grain: str) -> list[tuple[str, str]]:
    latency = merged([c.latency for c in found.cells])
    waited = merged([c.waited for c in found.cells])
    seconds = max(len(found.cells), 1) * queries.STEPS[grain].total_seconds()
    received = found.total("received")
    return [
        ("接收", f"{received:,} 条，{received / seconds:.2f} 条/秒"),
        ("送出", f"{found.total('sent'):,} 条"),
        ("失败的尝试", f"{found.total('failed'):,} 次"),
        ("排队", f"中位 {in_words(quantile(waited, 0.5))}，p95 {in_words(quantile(waited, 0.95))}"),
        ("对方应答", f"中位 {in_words(quantile(latency, 0.5))}，p95 {in_words(quantile(latency, 0.95))}"),
        ("流量", size_words(found.total("bytes"))),
    ]


def drawn(found: queries.Series, ids: list[int], grain: str) -> list[dict[str, Any]]:
    """The charts: question, option."""
    form = {"m": "%H:%M", "h": "%m-%d %H", "d": "%m-%d"}[grain]
    labels = [f"{timezone.localtime(t):{form}}" for t in found.times]
    unit = {"m": "条/分", "h": "条/时", "d": "条/日"}[grain]
    cells = found.cells
    rate = charts.lines(
        labels,
        [("接收", [c.received for c in cells], "--xw-c1"), ("送出", [c.sent for c in cells], "--xw-ok-mark"),
         ("失败", [c.failed for c in cells], "--xw-late-mark")],
        unit=unit,
    )  # fmt: skip
    times = charts.lines(
        labels,
        [("对方 p95", [_seconds(c.latency, 0.95) for c in cells], "--xw-c2"),
         ("对方中位", [_seconds(c.latency, 0.5) for c in cells], "--xw-c1"),
         ("排队 p95", [_seconds(c.waited, 0.95) for c in cells], "--xw-warn-mark")],
        unit="秒",
    )  # fmt: skip
    size = charts.lines(labels, [("流量", [round(c.bytes / 1024, 1) for c in cells], "--xw-c1")], unit="KB", kind="bar")
    out = [
        {"id": "rate", "title": "每段经过多少", "option": rate},
        {"id": "times", "title": "对方应答与排队用了多久", "option": times},
        {"id": "size", "title": "流量多大", "option": size},
    ]
    if grain == "m":
        number, oldest = queries.queue_series(ids, found.times)
        queue = charts.lines(
            labels, [("等待（条）", number, "--xw-c1"), ("最久（分）", oldest, "--xw-warn-mark")], unit="条、分"
        )
        out.append({"id": "queue", "title": "队列里等着多少、最久多久", "option": queue})
    return out


def _seconds(histogram: list[int], share: float) -> float | None:
    ms = quantile(histogram, share)
    return None if ms is None else round(ms / 1000, 3)


def verdict(waits: list[queries.Waiting]) -> dict[str, str]:
    """One sentence: where messages wait longest now, and whose part it is."""
    stuck = [w for w in waits if w.waiting and w.oldest_s > 60]
    if stuck:
        first = stuck[0]
        oldest = in_words(first.oldest_s * 1000)
        return {
            "state": "late" if first.oldest_s > 600 else "warn",
            "text": f"消息等在“{first.channel.name}”的队列：{first.waiting:,} 条，最久 {oldest}"
            + (f"；另有 {len(stuck) - 1} 个通道在等" if len(stuck) > 1 else ""),
        }
    slow = [w for w in waits if w.where != "不用等"]
    if slow:
        first = slow[0]
        ms = first.queue_p95 if first.where == "队列" else first.other_p95
        return {"state": "warn", "text": f"最慢在“{first.channel.name}”的{first.where}：p95 {in_words(ms)}，没有积压"}
    return {"state": "ok", "text": "没有消息在等，各环节 p95 都在 0.2 秒之内"}


class Capacity(GatewayPage):
    """Growth and forecast of messages and space, with the uncertainty said; honest where the days are too few."""

    tab = "volumes"
    permission = "gateway.capacity:view"
    template_name = "gateway/volumes/capacity.html"
    title = "增长与预测"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = queries.growth(HORIZON)
        context: dict[str, Any] = {
            "space": found.space, "samples": list(SpaceSample.objects.order_by("-day")[:1]), "factor": found.factor,
            "facts": space_facts(found), "hardware": hardware(found), "horizon": HORIZON,
            "enough": isinstance(found.messages, Forecast),
            "have": found.messages.have if isinstance(found.messages, NotEnough) else 0,
            "need": found.messages.need if isinstance(found.messages, NotEnough) else 0,
        }  # fmt: skip
        if isinstance(found.messages, Forecast) and isinstance(found.bytes, Forecast):
            context |= {
                "trend": trend_words(found.messages), "full": full_words(found),
                "message_chart": _band(found.message_days, found.messages, 1, "条/日"),
                "byte_chart": _band(found.byte_days, found.bytes, 1024**2, "MB/日"),
            }  # fmt: skip
        return super().get_context_data(**kwargs) | context


def _band(known: Any, found: Forecast, unit_size: float, unit: str) -> dict[str, Any]:
    days = sorted(known)[-60:]
    ahead = found.points[:90]
    labels = [f"{d:%m-%d}" for d in days] + [f"{p.day:%m-%d}" for p in ahead]
    blank: list[float | None] = [None] * len(days)

    def scaled(values: Any) -> list[float | None]:
        return [round(v / unit_size, 2) for v in values]

    return charts.band(
        labels, scaled(known[d] for d in days) + [None] * len(ahead), blank + scaled(p.middle for p in ahead),
        blank + scaled(p.low for p in ahead), blank + scaled(p.high for p in ahead), unit=unit,
    )  # fmt: skip


def trend_words(found: Forecast) -> str:
    """The slope a month, and how sure it is."""
    month, low, high = found.slope * 30, found.slope_low * 30, found.slope_high * 30
    base = f"按 {found.days} 天的记录，每月{'增加' if month >= 0 else '减少'}约 {abs(month):,.0f} 条/日"
    sure = f"（九成把握在 {low:+,.0f} 到 {high:+,.0f} 之间）"
    return base + sure + ("" if found.growing is not None else "：看不出确定的增减")


def full_words(found: queries.Growth) -> dict[str, str]:
    """When the disk is full, as an interval."""
    space = found.space
    if space is None or space.disk_free is None or found.factor is None or not isinstance(found.bytes, Forecast):
        return {"state": "unknown", "text": "磁盘或占用还没有量到，过一天再看"}
    full = full_on(space.disk_free, found.bytes, factor=found.factor)
    if full.early is None:
        return {"state": "ok", "text": f"今后 {HORIZON} 天内磁盘不会满（按最多的估计）"}
    late = f"{full.late:%Y-%m-%d}" if full.late else f"{HORIZON} 天以后"
    likely = f"{full.likely:%Y-%m-%d}" if full.likely else f"{HORIZON} 天以后"
    near = (full.early - timezone.localdate()).days < 30
    return {
        "state": "late" if near else "warn",
        "text": f"磁盘最早 {full.early:%Y-%m-%d}、大约 {likely}、最晚 {late} 用满",
    }


def space_facts(found: queries.Growth) -> list[tuple[str, str]]:
    space = found.space
    if space is None:
        return []
    disk = f"可用 {size_words(space.disk_free)}，共 {size_words(space.disk_total)}" if space.disk_total else "没有量到"
    return [
        ("报文（含索引）", size_words(space.traffic_bytes)),
        ("队列", size_words(space.queue_bytes)),
        ("统计", size_words(space.volume_bytes)),
        ("整个数据库", size_words(space.database_bytes)),
        ("归档文件", size_words(space.archive_bytes)),
        ("磁盘", disk),
        ("每收 1 字节占盘", f"{found.factor:.1f} 字节" if found.factor else "数据还太少"),
        ("量于", f"{timezone.localtime(space.at):%Y-%m-%d %H:%M}"),
    ]


def hardware(found: queries.Growth) -> list[tuple[str, str]]:
    """The peak against what one process was measured to do."""
    measured = int(site.value("gateway.capacity.per_second"))
    peak = queries.peaks() / 60
    share = peak / measured if measured else 0
    out = [
        ("近两周最忙的一分钟", f"{peak:,.1f} 条/秒"),
        ("一个网关进程测得", f"{measured:,} 条/秒"),
        ("用到", f"{share * 100:.1f} %"),
    ]
    if isinstance(found.messages, Forecast) and found.messages.level > 0 and peak:
        last = found.messages.points[-1]
        ahead = peak * last.high / found.messages.level
        need = max(1, -(-int(ahead * 2) // measured)) if measured else 1
        out.append((f"{HORIZON} 天后最忙（按最多估计）", f"{ahead:,.1f} 条/秒，留一倍余量要 {need} 个进程"))
    return out
