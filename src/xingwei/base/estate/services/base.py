"""What the services of this room share: their refusal, a stale form, checking a row in words, what refers to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models

from xingwei.base.journal.services import plain
from xingwei.base.ui.views import ServiceRefused

_LOCK = 0x58_57_45_53  # "XWES"


class EstateRefused(ServiceRefused):
    """An act on the estate is refused; the message is the Chinese sentence for the user."""


class Stale(EstateRefused):
    """The row was changed by somebody else since the form was drawn."""


def values_of(row: models.Model, fields: Sequence[str]) -> dict[str, Any]:
    """The fields as the journal keeps them: foreign keys as ids, many-to-many as sorted ids."""
    out: dict[str, Any] = {}
    for name in fields:
        field = row._meta.get_field(name)
        if field.many_to_many:
            out[name] = sorted(getattr(row, name).values_list("pk", flat=True)) if row.pk else []
        else:
            out[name] = getattr(row, field.attname)  # type: ignore[union-attr]
    return out


def stamp(row: models.Model, fields: Sequence[str]) -> str:
    """What a form carries so that a stale edit is noticed."""
    seen = json.dumps(plain(values_of(row, fields)), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def not_stale(row: models.Model, fields: Sequence[str], seen: str) -> None:
    """Raise Stale where the row is no longer what the form was drawn from; seen "" asks nothing."""
    if seen and seen != stamp(row, fields):
        raise Stale("别人刚刚改过这一项。您填的内容还在：请核对现在的内容后再保存一次。")


def one_at_a_time() -> None:
    """Hold the estate until the transaction ends: what is checked before a row is added still holds after."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def check(row: models.Model) -> None:
    """Raise EstateRefused, naming the fields, where the row breaks a rule of its table."""
    references = {f.name for f in row._meta.fields if f.is_relation and getattr(row, f.attname) is not None}
    try:
        row.clean_fields(exclude=references)  # rows that are at hand need not be looked up once more
        row.validate_unique()
        row.validate_constraints()
    except ValidationError as error:
        raise EstateRefused(in_words(row, error)) from None


def in_words(row: models.Model, error: ValidationError) -> str:
    labels = {f.name: str(f.verbose_name) for f in row._meta.fields}
    found: Mapping[str, Sequence[str]] = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    return "；".join(f"{labels[k]}：{'，'.join(said)}" if k in labels else "，".join(said) for k, said in found.items())


def referred_by(row: models.Model, *, besides: frozenset[type[models.Model]] = frozenset()) -> list[str]:
    """What of any room refers to the row, e.g. ["问题单 12 个"]; rows of `besides` do not count."""
    found = []
    for relation in row._meta.related_objects:
        model = relation.related_model
        if not isinstance(model, type) or model in besides:
            continue
        count = model._base_manager.filter(**{relation.field.name: row}).count()
        if count:
            name = str(model._meta.verbose_name)
            found.append(f"{'其他记录' if name.isascii() else name} {count} 个")
    return found
