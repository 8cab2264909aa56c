"""The critical-value loop: fed by accepted result messages and by clinical systems, carried on by people (7.3)."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import Department, User
from xingwei.base.accounts.queries import people_with_role
from xingwei.base.journal.services import record
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.policy.querysets import require
from xingwei.base.site import queries as site
from xingwei.base.ui.words import CHINA

from ..engine import documents
from ..engine.critical import Clock, Limit, Observation, clock, judge
from ..models import Channel, CriticalRule, CriticalValue, Message, Watermark
from .base import GatewayRefused

log = logging.getLogger(__name__)
State = CriticalValue.State
_NAME = "critical"
_OVERLAP = dt.timedelta(minutes=2)  # rows are committed later than their own time
_PORTION = 2_000


class CriticalRefused(GatewayRefused):
    """The loop does not take this step; the text says why."""


def limits() -> list[Limit]:
    """The list in force; where a hospital has none yet, the flags HH and LL alone count."""
    rows = [
        Limit(r.code, r.name, frozenset(r.aliases), r.unit, r.low, r.high, frozenset(f.upper() for f in r.flags),
              frozenset(r.sections))
        for r in CriticalRule.objects.filter(active=True)
    ]  # fmt: skip
    return rows or [Limit("*", "任何项目", flags=frozenset({"HH", "LL"}))]


def feed(now: dt.datetime | None = None) -> int:
    """Read the results accepted since the last time; returns how many critical values are new."""
    at = now or timezone.now()
    mark = Watermark.objects.filter(name=_NAME).first()
    since = (mark.at if mark else at - dt.timedelta(hours=1)) - _OVERLAP
    codes = [c.strip() for c in str(site.value("gateway.critical.channels")).replace("，", ",").split(",") if c.strip()]
    sources = list(Channel.objects.filter(code__in=codes, direction="in").values_list("pk", flat=True))
    rows = Message.objects.filter(
        channel_id__in=sources, state="accepted", type__startswith="ORU", received_at__gte=since, received_at__lt=at
    ).order_by("received_at", "id")[:_PORTION]
    list_ = limits()
    made, last = 0, at
    for count, message in enumerate(rows, start=1):
        made += _read(message, list_)
        last = message.received_at if count == _PORTION else at  # more than a portion: go on there next time
    Watermark.objects.update_or_create(name=_NAME, defaults={"at": last})
    return made


def _read(message: Message, list_: list[Limit]) -> int:
    try:
        doc = documents.read("hl7", bytes(message.raw), message.charset)
        names = ("3.1", "3.2", "5", "6.1", "7", "8", "14")
        columns = [doc.all(f"OBX[*]-{n}") for n in names]
        ward = doc.get("PV1-3.1")
        common = {
            "patient": doc.get("PID-3.1"),
            "patient_name": doc.get("PID-5.1"),
            "bed": doc.get("PV1-3.3"),
            "ward": ward,
            "sample": doc.get("OBR-3.1") or doc.get("OBR-2.1"),
        }
        reported = _time(doc.get("OBR-22")) or message.received_at
    except documents.DocumentProblem:
        return 0  # such a message is in quarantine or readable by nobody; the loop cannot judge it
    made = 0
    for code, name, value, unit, span, flag, at in zip(*columns, strict=True):
        seen = Observation(code, name or code, value, unit, span, flag)
        why = judge(seen, ward, list_)
        if why is None:
            continue
        identity = f"{common['sample'] or message.id}|{code}|{value}"
        values = common | {
            "source": CriticalValue.Source.MESSAGE, "message_id": message.id, "message_at": message.received_at,
            "code": code, "item": name or code, "value": value, "unit": unit, "range": span, "flag": flag, "why": why,
            "reported_at": _time(at) or reported,
        }  # fmt: skip
        made += _enter(system_actor(), identity, values) is not None
    return made


def report(actor: Actor, values: Mapping[str, Any]) -> CriticalValue:
    """A clinical system reports a critical value itself; the same one again is the same. Raises Denied."""
    require(actor, "gateway.critical:report")
    identity = f"{values.get('sample') or values.get('patient')}|{values['code']}|{values['value']}"
    given = dict(values) | {"source": CriticalValue.Source.API, "why": values.get("why") or "业务系统判定"}
    made = _enter(actor, identity, given)
    if made is not None:
        return made
    found: CriticalValue = CriticalValue.objects.get(key=_key(identity))
    return found


def receive(
    actor: Actor, row: CriticalValue, *, doctor: str = "", nurse: str = "", at: dt.datetime | None = None
) -> CriticalValue:
    """The nurse has it, and says which doctor was told. nurse, at: from a clinical system that knows them."""
    with transaction.atomic():
        found = _locked(actor, row)
        if found.state != State.REPORTED:
            raise CriticalRefused(f"这一项是“{found.get_state_display()}”，不用再接收。")
        found.state, found.received_at = State.RECEIVED, _moment(found, at)
        found.received_by_id, found.received_name = actor.id, (nurse.strip() or actor.name)[:40]
        if doctor.strip():
            found.doctor_name, found.doctor_at = doctor.strip()[:40], found.received_at
        found.save()
        record(actor, "gateway.critical.receive", _target(found), f"护士接收危急值：{found.item}",
               before={"state": "reported"}, after={"state": "received"})  # fmt: skip
    return found


def handle(
    actor: Actor, row: CriticalValue, *, handling: str, doctor: str = "", at: dt.datetime | None = None
) -> CriticalValue:
    """The doctor has acted: the loop is closed. Raises Denied, CriticalRefused."""
    if not handling.strip():
        raise CriticalRefused("请写明怎样处理：复查、用药、会诊等。")
    with transaction.atomic():
        found = _locked(actor, row)
        if found.state not in {State.REPORTED, State.RECEIVED}:
            raise CriticalRefused(f"这一项是“{found.get_state_display()}”，不能再登记处理。")
        before = found.state
        found.state, found.handled_at = State.HANDLED, _moment(found, at)
        found.handled_by_id, found.handled_name = actor.id, (doctor.strip() or actor.name)[:40]
        found.handling = handling.strip()[:300]
        found.save()
        record(actor, "gateway.critical.handle", _target(found), f"医生处理危急值：{found.item}",
               before={"state": before}, after={"state": "handled"})  # fmt: skip
    return found


def withdraw(actor: Actor, row: CriticalValue, why: str) -> CriticalValue:
    """It was none (haemolysed sample, wrong patient). Raises Denied, CriticalRefused."""
    require(actor, "gateway.critical:withdraw", row)
    if not why.strip():
        raise CriticalRefused("请写明为什么撤销。")
    with transaction.atomic():
        found: CriticalValue = CriticalValue.objects.select_for_update().get(pk=row.pk)
        if found.state == State.WITHDRAWN:
            raise CriticalRefused("已经撤销过了。")
        found.state, found.withdrawn_why = State.WITHDRAWN, why.strip()[:200]
        found.save(update_fields=["state", "withdrawn_why"])
        record(actor, "gateway.critical.withdraw", _target(found), f"撤销危急值：{found.item}")
    return found


def clock_of(row: CriticalValue, now: dt.datetime | None = None) -> Clock:
    """The loop's clock with the limits that are set now."""
    return clock(
        row.reported_at, row.received_at, row.handled_at, now or timezone.now(),
        nurse=dt.timedelta(minutes=int(site.value("gateway.critical.nurse_minutes"))),
        doctor=dt.timedelta(minutes=int(site.value("gateway.critical.doctor_minutes"))),
        withdrawn=row.state == State.WITHDRAWN,
    )  # fmt: skip


def remind(now: dt.datetime | None = None) -> int:
    """Tell again what is overdue: once for the nurse's time, once for the doctor's; returns how many."""
    at = now or timezone.now()
    told = 0
    for row in CriticalValue.objects.filter(state__in=[State.REPORTED, State.RECEIVED]).select_related("department"):
        found = clock_of(row, at)
        level = 2 if found.doctor_late else 1 if found.nurse_late and found.step == "nurse" else 0
        if level <= row.reminded:
            continue
        with transaction.atomic():
            if not CriticalValue.objects.filter(pk=row.pk, reminded=row.reminded).update(reminded=level):
                continue
            what = "还没有护士接收" if found.step == "nurse" else "还没有医生处理"
            _tell(system_actor(), row, f"危急值超时：{row.item}，{what}", f"overdue{level}", chiefs=True)
            told += 1
    return told


def import_rules(actor: Actor, items: Iterable[Mapping[str, Any]]) -> int:
    """The hospital's list from its file; rows are known by code and wards. Returns how many were added or changed."""
    require(actor, "gateway.critical:withdraw")
    changed = 0
    with transaction.atomic():
        known = {(r.code, tuple(r.sections)): r for r in CriticalRule.objects.all()}
        for item in items:
            row = known.get((item["code"], tuple(item.get("sections", ())))) or CriticalRule()
            before = {f.attname: getattr(row, f.attname) for f in CriticalRule._meta.fields}
            for name, value in item.items():
                field: Any = CriticalRule._meta.get_field(name)
                setattr(row, name, field.to_python(value))
            if row.pk is None or any(before[k] != getattr(row, k) for k in before):
                row.save()
                changed += 1
        if changed:
            record(actor, "gateway.critical.rules", ("gateway.critical", "rules", "危急值界限"),
                   f"更新危急值界限 {changed} 条", after={"changed": changed})  # fmt: skip
    return changed


def _enter(actor: Actor, identity: str, values: Mapping[str, Any]) -> CriticalValue | None:
    """A new one; None where it is known."""
    lengths = {f.name: f.max_length for f in CriticalValue._meta.fields if f.max_length}
    fitted = {k: v[: lengths[k]] if isinstance(v, str) and k in lengths else v for k, v in values.items()}
    with transaction.atomic():
        row, fresh = CriticalValue.objects.get_or_create(
            key=_key(identity),
            defaults={**fitted, "department": _department(str(values.get("ward", ""))), "seen_at": timezone.now()},
        )
        if not fresh:
            return None
        record(actor, "gateway.critical.enter", _target(row), f"危急值：{row.item}（{row.why}）")
        _tell(actor, row, f"危急值待接收：{row.item}", "new", chiefs=False)
    return row


def _tell(actor: Actor, row: CriticalValue, title: str, what: str, *, chiefs: bool) -> None:
    """The ward's people; when overdue the chiefs and 医务科 too. No patient in it: the page shows what one may see."""
    people: list[User] = []
    if row.department_id:
        people = list(
            people_with_role("reporter", "head_nurse", "department_head").filter(department=row.department_id)
        )
    if chiefs or not people:
        people += list(people_with_role("medical_affairs", "nursing"))
    where = row.department.name if row.department else row.ward or "科室不明"
    notify.tell(actor, people, kind="gateway.critical", title=title, text=f"{where}，请打开核对", urgent=True,
                url=row.get_absolute_url(), key=f"critical:{row.pk}:{what}")  # fmt: skip


def _department(ward: str) -> Department | None:
    if not ward:
        return None
    rows = Department.objects.filter(active=True)
    return rows.filter(code=ward).first() or rows.filter(name=ward).first()


def _locked(actor: Actor, row: CriticalValue) -> CriticalValue:
    found: CriticalValue = CriticalValue.objects.select_for_update().get(pk=row.pk)
    require(actor, "gateway.critical:report" if actor.via == "api" else "gateway.critical:act", found)
    return found


def _moment(row: CriticalValue, at: dt.datetime | None) -> dt.datetime:
    now = timezone.now()
    if at is not None and not row.reported_at <= at <= now + dt.timedelta(minutes=5):
        raise CriticalRefused("时间不对：应在报告之后、现在之前。")
    return at or now


def _target(row: CriticalValue) -> tuple[str, str, str]:
    return ("gateway.critical_value", str(row.pk), str(row))


def _key(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()


def _time(text: str) -> dt.datetime | None:
    """An HL7 time in local time, to the second or the minute."""
    digits = text[:14]
    for form, length in (("%Y%m%d%H%M%S", 14), ("%Y%m%d%H%M", 12)):
        if len(digits) >= length and digits[:length].isdigit():
            try:
                return dt.datetime.strptime(digits[:length], form).replace(tzinfo=CHINA)
            except ValueError:
                return None
    return None
