"""What the services of this room share: their refusal, locking a row, noticing a stale form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from django.db import models

from xingwei.base.journal.services import changes, plain, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.ui.views import ServiceRefused

from ..models import User

Row = TypeVar("Row", bound=models.Model)


class AccountRefused(ServiceRefused):
    """An act on accounts is refused; the message is the Chinese sentence for the user."""


class Stale(AccountRefused):
    """The row was changed by somebody else since the form was drawn."""


def locked(row: Row) -> Row:
    """The row as it stands now, held until the transaction ends."""
    return cast(Row, row._meta.model._default_manager.select_for_update().get(pk=row.pk))


def stamp(row: models.Model, fields: Sequence[str]) -> str:
    """What a form carries so that a stale edit is noticed."""
    seen = json.dumps(plain(snapshot(row, fields)), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def apply(
    row: models.Model, values: Mapping[str, Any], fields: Sequence[str], seen: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set those of the fields that values name; (before, after) of what differs. Raises Stale."""
    before = snapshot(row, fields)
    if seen and seen != stamp(row, fields):
        raise Stale("别人刚刚改过这条记录。您填的内容还在：请核对下面的现值后再保存一次。")
    for name in fields:
        if name in values:
            setattr(row, name, values[name])
    return changes(before, snapshot(row, fields))


def not_oneself(actor: Actor, user: User, what: str) -> None:
    """Nobody administers the own account."""
    if actor.id is not None and actor.id == user.pk:
        raise AccountRefused(f"不能{what}自己的账号，请另一位安全管理员办理。")
