"""The responsibility list: brought in from a file, agreed by both sides, in force from then on."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.datafiles import FileProblems, Problem, decode

from ..models import ResponsibilityList
from ..responsibility import check
from .base import WatchRefused

SIDES = {"hospital": "医院", "vendor": "运维服务商"}


def import_list(actor: Actor, path: Path, note: str = "") -> ResponsibilityList:
    """A file becomes a draft; what is in force or drafted already makes no new version. Raises FileProblems."""
    require(actor, "watch.responsibility:change")
    if not path.is_file():
        raise FileProblems([Problem(f"没有这个文件：{path}")])
    rows = check(path.name, decode(path.read_bytes()))
    with transaction.atomic():
        newest = ResponsibilityList.objects.select_for_update().order_by("-number").first()
        if newest is not None and newest.rows == rows:
            return newest
        made = ResponsibilityList.objects.create(
            number=(newest.number if newest else 0) + 1,
            rows=rows,
            note=note or f"从 {path.name} 导入",
            author_id=actor.id,
        )
        record(actor, "watch.responsibility.import", made, f"{made}：{len(rows)} 条", after={"rows": len(rows)})
    return made


def agree(actor: Actor, row: ResponsibilityList) -> ResponsibilityList:
    """One side's word; the second one puts it in force. Raises WatchRefused."""
    require(actor, "watch.responsibility:agree")
    if actor.side not in SIDES or actor.id is None:
        raise WatchRefused("责任清单由医院和运维服务商双方确认。")
    with transaction.atomic():
        now = timezone.now()
        locked = ResponsibilityList.objects.select_for_update().get(pk=row.pk)
        if locked.state != ResponsibilityList.State.DRAFT:
            raise WatchRefused("这一版不是草案，不用再确认。")
        setattr(locked, f"{actor.side}_id", actor.id)
        setattr(locked, f"{actor.side}_at", now)
        word = SIDES[str(actor.side)]
        record(actor, "watch.responsibility.agree", locked, f"{word}确认{locked}", after={str(actor.side): actor.id})
        if locked.hospital_id and locked.vendor_id:
            ResponsibilityList.objects.filter(state=ResponsibilityList.State.AGREED).update(
                state=ResponsibilityList.State.RETIRED
            )
            locked.state, locked.agreed_at = ResponsibilityList.State.AGREED, now
            record(actor, "watch.responsibility.in_force", locked, f"{locked} 生效")
        locked.save()
    return locked
