"""Publishing the working calendar: one act, always a new version, always journalled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import FileProblems
from xingwei.base.ui.views import ServiceRefused

from . import files, queries
from .engine import CalendarError, hours_data, parse_hours, parse_year
from .models import CalendarVersion

_LOCK = 0x58_57_43_41  # "XWCA": one publication at a time
_NOTE_LENGTH = 200


class CalendarRefused(ServiceRefused):
    """The calendar cannot be published so; the message is the Chinese reason."""


@dataclass(frozen=True, slots=True)
class Imported:
    """version: in force now. changed: whether the import made it, or found nothing new."""

    version: CalendarVersion
    changed: bool


def draft(
    years: Mapping[int, Mapping[str, Any]] | None = None,
    hours: Mapping[str, Any] | None = None,
    *,
    base: CalendarVersion | None = None,
) -> CalendarVersion:
    """The version in force with some years or the hours replaced, checked and not saved: what a preview shows.

    Raises CalendarRefused where the dates or hours contradict themselves.
    """
    base = base or queries.latest()
    merged = dict(base.years) if base else {}
    try:
        for number, data in (years or {}).items():
            parse_year(data)
            if number != data["year"]:
                raise CalendarError(f"{number} 年的内容写的是 {data['year']} 年")
            merged[str(number)] = {**data, "makeup": data.get("makeup") or []}
        wanted = hours if hours is not None else (base.hours if base else queries.DEFAULT_HOURS)
        chosen = hours_data(parse_hours(wanted))
    except CalendarError as error:
        raise CalendarRefused(str(error)) from None
    if not merged:
        raise CalendarRefused("日历里至少要有一年的安排")
    return CalendarVersion(number="草稿", years=dict(sorted(merged.items())), hours=chosen)


def publish(
    actor: Actor,
    years: Mapping[int, Mapping[str, Any]] | None = None,
    hours: Mapping[str, Any] | None = None,
    note: str = "",
    *,
    base: str = "",
) -> CalendarVersion:
    """Put some years or the working hours in force as a new version; what is not given stays as it is.

    base: the version that the publisher had before their eyes; another one in force by now refuses the act.
    Raises CalendarRefused; also when nothing would change.
    """
    require(actor, "calendar.version:publish")
    with transaction.atomic():
        old = _lock()
        if base and base != (old.number if old else queries.NO_VERSION):
            raise CalendarRefused(f"日历刚刚被{old.published_by if old else ''}改过，请按新的版本再改一次")
        row = draft(years, hours, base=old)
        if old and (old.years, old.hours) == (row.years, row.hours):
            raise CalendarRefused("与现在的日历相同，没有要发布的内容")
        _save(actor, row, old, note)
    queries.forget()
    return row


def import_files(actor: Actor, paths: Iterable[Path], note: str = "") -> Imported:
    """Publish calendar files (or directories of them). Nothing new in them: no new version.

    Raises CalendarRefused with every problem: file, line, field.
    """
    require(actor, "calendar.version:publish")
    try:
        years, hours = files.read_paths(paths)
    except FileProblems as error:
        raise CalendarRefused(str(error)) from None
    with transaction.atomic():
        old = _lock()
        row = draft(years, hours, base=old)
        if old and (old.years, old.hours) == (row.years, row.hours):
            return Imported(old, changed=False)
        _save(actor, row, old, note or f"导入 {'、'.join(str(y) for y in sorted(years))} 年日历文件")
    queries.forget()
    return Imported(row, changed=True)


def install(actor: Actor) -> CalendarVersion:
    """Put in force what the shipped calendars know better: years that are not there, and published years where only
    a provisional one is. What the hospital published, and its working hours, stay as they are. Harmless when repeated.
    """
    shipped, hours = files.read_paths([files.SHIPPED])
    with transaction.atomic():
        old = _lock()
        held = old.years if old else {}
        news = {
            number: data
            for number, data in shipped.items()
            if (mine := held.get(str(number))) is None
            or (mine["status"] == "provisional" and data["status"] == "published")
        }
        if old and not news:
            return old
        require(actor, "calendar.version:publish")
        row = draft(news, None if old else hours, base=old)
        _save(actor, row, old, "随产品提供的日历")
    queries.forget()
    return row


def _lock() -> CalendarVersion | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    return queries.latest()


def _save(actor: Actor, row: CalendarVersion, old: CalendarVersion | None, note: str) -> None:
    now = timezone.now()
    year = timezone.localtime(now).year
    row.number = f"{year}.{CalendarVersion.objects.filter(number__startswith=f'{year}.').count() + 1}"
    row.note = note.strip()[:_NOTE_LENGTH]
    row.published_at = now
    row.published_by = f"{actor.name}（{actor.organisation}）" if actor.organisation else actor.name
    row.publisher_id = actor.id
    row.save(force_insert=True)
    touched = sorted(y for y, data in row.years.items() if old is None or old.years.get(y) != data)
    hours_changed = old is None or old.hours != row.hours
    what = "、".join([*(f"{y} 年" for y in touched), *(["上班时间"] if hours_changed else [])])
    record(
        actor,
        "calendar.version.publish",
        row,
        f"发布工作日历 {row.number}：{what}",
        before={"version": old.number} if old else None,
        after={"version": row.number, "years": touched, "hours_changed": hours_changed},
    )
