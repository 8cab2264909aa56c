"""What the rota shows on other pages: the pill of the top bar, the banner, the card of the home page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from xingwei.base.calendar import queries as calendars
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui import words as ui_words
from xingwei.base.ui.registry import Banner

from . import live, queries, words
from .engine.attendance import GRACE
from .engine.coverage import GapKind
from .engine.patterns import DutyKind
from .models import Attendance
from .queries import Duty

_ORDER = {DutyKind.ON_SITE: 0, DutyKind.ON_CALL: 1, DutyKind.SUPPORT: 2}
_FROM_AFAR = {"远程", "电话"}


def pill(request: HttpRequest) -> str:
    """值班中 王工 驻场 · 至 17:30."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not may(actor, "rota.shift:view"):
        return ""
    url = reverse("rota:week")
    duty = live.on_duty().first
    if duty is None:
        return format_html(
            '<a class="xw-oncall xw-only-wide" href="{}" style="color:var(--xw-late);border-color:var(--xw-late-line)">'
            '<i class="ti ti-phone-off" style="color:inherit" aria-hidden="true"></i><b>现在无人值班</b></a>',
            url,
        )
    phone = duty.person.phone or duty.person.mobile
    return format_html(
        '<a class="xw-oncall xw-only-wide" href="{}" title="{}"><i class="ti ti-phone-call" aria-hidden="true"></i>'
        "值班中 <b>{}</b> {}</a>",
        url,
        f"电话 {phone}" if phone else "",
        str(duty.person),
        words.now_text(duty, timezone.now()),
    )


def banner(actor: Actor) -> Banner | None:
    """That nobody answers now, to all who see the rota; what is open in the coming days, to those who can fill it."""
    if not may(actor, "rota.shift:view"):
        return None
    gaps = live.gaps()
    now = timezone.now()
    running = next((g for g in gaps if g.kind is GapKind.NOBODY and g.start <= now < g.end), None)
    if running is not None:
        return Banner("late", words.gap_title(running, running=True), reverse("rota:week"), "看值班表")
    if not gaps or not may(actor, "rota.shift:override"):
        return None
    first, more = gaps[0], len(gaps) - 1
    text = words.gap_title(first) + (f"，另有 {more} 处缺岗" if more else "")
    day = timezone.localdate(first.start)
    return Banner("warn", text, f"{reverse('rota:week')}?week={day:%Y-%m-%d}", "去安排")


@dataclass(frozen=True, slots=True)
class Row:
    duty: Duty
    text: str
    state: str
    word: str
    glyph: str = ""


def card(request: HttpRequest) -> dict[str, Any] | None:
    """Everybody who is on duty today, and whether they came."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    now, today = timezone.localtime(), timezone.localdate()
    duties = [d for d in live.duties_today() if d.until > now or d.kind is DutyKind.ON_SITE]
    present = queries.presence_now(d.person.pk for d in duties)
    rows = [_row(d, present.get(d.person.pk), now) for d in sorted(duties, key=_place_in_card)]
    state, verdict = _verdict(duties, today)
    on_site = {d.person.pk for d in duties if d.kind is DutyKind.ON_SITE}
    signs = actor.id in on_site and may(actor, "rota.attendance:sign")
    return {
        "rows": rows,
        "state": state,
        "verdict": verdict,
        "sign": signs,
        "presence": present.get(actor.id or 0),
    }


def _place_in_card(duty: Duty) -> tuple[bool, int, dt.datetime]:
    """Support that stands in the house (the service manager) before all others."""
    manager = duty.kind is DutyKind.SUPPORT and bool(duty.place) and duty.place not in _FROM_AFAR
    return not manager, _ORDER[duty.kind], duty.since


def _verdict(duties: list[Duty], today: dt.date) -> tuple[str, str]:
    day = calendars.current().day(today)
    if not day.kind.works:
        nobody = not any(d.kind is DutyKind.ON_CALL and not d.absent for d in duties)
        return ("late", "无人听班") if nobody else ("ok", f"{day.name or day.kind.label}，远程值班")
    have = len({d.person.pk for d in duties if d.kind is DutyKind.ON_SITE and not d.absent})
    need = queries.minimum_on_site()
    return ("ok", f"驻场 {have} 人，达标") if have >= need else ("late", f"驻场 {have} 人，差 {need - have} 人")


def _row(duty: Duty, came: Attendance | None, now: dt.datetime) -> Row:
    times = words.times(duty.since, duty.until)
    if duty.absent:
        return Row(duty, f"{duty.label} {times}", "warn", "请假，待替班")
    if duty.kind is DutyKind.SUPPORT and came is None:
        ready = duty.since <= now < duty.until
        return Row(
            duty, duty.label, "ok" if ready else "unknown", "可呼叫" if ready else "待接班", "" if ready else "clock"
        )
    if now < duty.since:
        place = duty.place if duty.place in _FROM_AFAR else duty.kind.label
        return Row(duty, f"{place} {times}", "unknown", "待接班", "clock")
    if duty.kind is DutyKind.ON_CALL:
        return Row(duty, f"{duty.place or duty.kind.label} {times}", "ok", "可呼叫")
    return _on_site(duty, came, now, times)


def _on_site(duty: Duty, came: Attendance | None, now: dt.datetime, times: str) -> Row:
    label = duty.kind.label if duty.kind is DutyKind.ON_SITE else duty.label
    if came is None:
        late = now >= duty.since + GRACE
        return Row(duty, f"{label} {times}", "warn" if late else "unknown", "未签到" if late else "待签到")
    text = f"{label} {timezone.localtime(came.signed_in_at):%H:%M} 签到"
    if came.signed_out_at is not None:
        return Row(duty, text, "unknown", f"{ui_words.moment(came.signed_out_at, now)} 签退", "logout")
    if came.place:
        return Row(duty, text, "doing", f"在{came.place}", "map-pin")
    return Row(duty, text, "ok", "在岗")
