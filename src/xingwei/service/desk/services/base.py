"""What every act of the desk shares: its refusals, the locked row, the timeline, the number."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.views import ServiceRefused
from xingwei.base.ui.words import CHINA

from ..models import Case, CaseEvent, Number
from .text import index_words

LEVELS = {0: "不定级", 1: "一级", 2: "二级", 3: "三级"}


class Refused(ServiceRefused):
    """The desk does not do this; the text says why and what to do."""


class StaleEdit(Refused):
    """Somebody else changed the case meanwhile. `changes` are their timeline lines since the version shown."""

    def __init__(self, case: Case, changes: list[CaseEvent]) -> None:
        self.case, self.changes = case, changes
        said = "；".join(f"{timezone.localtime(e.at):%H:%M} {e.actor_name} {e.said}" for e in changes[:5])
        super().__init__(f"您打开后，这件已有改动：{said or '内容已更新'}。您写的内容还在，请核对后再提交。")


def lock(actor: Actor, case: Case, permission: str, version: int | None = None) -> Case:
    """The row, locked, after the permission check. Inside a transaction. Raises Denied, StaleEdit.

    version: the one that the person saw; None skips the check (system acts, acts that do not conflict).
    """
    rows = Case.objects.select_related("system", "department", "assignee", "reporter", "merged_into")
    row: Case = rows.select_for_update(of=("self",)).get(pk=case.pk)
    require(actor, permission, row)
    if version is not None and version != row.version:
        newer = list(row.events.filter(data__version__gt=version)[:5])
        raise StaleEdit(row, newer)
    return row


def save(row: Case, *fields: str) -> None:
    """Write the named fields, raise the version, stamp the time."""
    row.version += 1
    row.updated_at = timezone.now()
    row.save(update_fields=[*fields, "version", "updated_at"])


def include(row: Case, *people: int | None) -> None:
    """These people take part from now on: they see the case. Saves the column."""
    known = set(row.people)
    if fresh := {p for p in people if p} - known:
        row.people = sorted(known | fresh)
        row.save(update_fields=["people"])
        index_words(row)


def say(
    actor: Actor,
    row: Case,
    kind: str,
    said: str,
    *,
    text: str = "",
    data: dict[str, Any] | None = None,
    internal: bool = False,
    at: dt.datetime | None = None,
) -> CaseEvent:
    """One line of the timeline; `kind` is also the event type that the clocks read."""
    return CaseEvent.objects.create(
        case=row,
        at=at or timezone.now(),
        type=kind,
        actor_id=actor.id,
        actor_name=actor.name[:40],
        said=said[:300],
        text=text,
        data={**(data or {}), "version": row.version},
        internal=internal,
    )


def next_number(at: dt.datetime) -> str:
    """The next number of the month, e.g. "2603-187". Concurrent callers wait for one another, none gets a gap."""
    assert transaction.get_connection().in_atomic_block
    month = at.astimezone(CHINA).strftime("%y%m")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Number._meta.db_table} (month, last) VALUES (%s, 1)"  # noqa: S608 - a constant name
            f" ON CONFLICT (month) DO UPDATE SET last = {Number._meta.db_table}.last + 1 RETURNING last",
            [month],
        )
        return f"{month}-{cursor.fetchone()[0]:03d}"
