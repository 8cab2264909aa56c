"""The rules of the pattern. Published weeks keep their shifts; what is not published yet follows the rule at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.calendar.engine import DayKind
from xingwei.base.journal.services import changes, record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..engine.patterns import DutyKind, RotaError, Rotation, Rule
from ..models import RulePerson, ShiftRule
from .base import Refused, check_text


@dataclass(frozen=True, slots=True)
class RuleInput:
    """A rule as it is typed or imported; people and stand_ins in order of turn."""

    key: str
    label: str
    kind: str
    days: Sequence[str]
    start: str
    end: str
    people: Sequence[User]
    stand_ins: Sequence[User] = ()
    rotation: str = "all"
    at_once: int = 1
    weekdays: Sequence[int] = ()
    anchor: dt.date | None = None
    place: str = ""
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None
    order: int = 0


_FIELDS = (
    "label", "kind", "days", "weekdays", "start", "end", "rotation", "at_once", "anchor", "place",
    "valid_from", "valid_until", "order",
)  # fmt: skip


def save_rule(actor: Actor, given: RuleInput) -> ShiftRule:
    """Make or change the rule of this key; Refused with the engine's sentence where it cannot be used."""
    require(actor, "rota.rule:change")
    label = check_text(given.label, "名称", 40, needed=True)
    place = check_text(given.place, "地点", 40)
    if given.valid_from and given.valid_until and given.valid_until < given.valid_from:
        raise Refused("结束日期早于开始日期")
    with transaction.atomic():
        row = ShiftRule.objects.select_for_update().filter(key=given.key).first()
        anchor = given.anchor or (row.anchor if row else timezone.localdate())
        _check(given, label, anchor)
        values = {name: getattr(given, name) for name in _FIELDS} | {
            "label": label,
            "place": place,
            "anchor": anchor,
            "days": list(given.days),
            "weekdays": list(given.weekdays),
        }
        before = _state(row) if row else {}
        if row is None:
            row = ShiftRule.objects.create(key=given.key, **values)
        elif {k: getattr(row, k) for k in values} != values:
            for name, value in values.items():
                setattr(row, name, value)
            row.save()
        _set_people(row, given)
        old, new = changes(before, _state(row))
        if new:
            verb = "修改" if before else "新增"
            record(actor, "rota.rule.save", row, f"{verb}排班规则“{row}”", before=old or None, after=new)
    return row


def end_rule(actor: Actor, rule: ShiftRule, last: dt.date) -> ShiftRule:
    """The rule holds for the last time on this day."""
    require(actor, "rota.rule:change")
    with transaction.atomic():
        row = ShiftRule.objects.select_for_update().get(pk=rule.pk)
        if row.valid_from and last < row.valid_from:
            raise Refused("结束日期早于这条规则的开始日期")
        before = row.valid_until
        row.valid_until = last
        row.save(update_fields=["valid_until"])
        record(
            actor, "rota.rule.end", row, f"排班规则“{row}”用到 {last:%Y-%m-%d}", before={"valid_until": before},
            after={"valid_until": last},
        )  # fmt: skip
    return row


def _check(given: RuleInput, label: str, anchor: dt.date) -> None:
    try:
        Rule(
            given.key, label, DutyKind(given.kind), frozenset(DayKind(d) for d in given.days), given.start, given.end,
            tuple(p.pk for p in given.people), Rotation(given.rotation), given.at_once,
            tuple(p.pk for p in given.stand_ins), given.place, frozenset(given.weekdays), anchor,
            given.valid_from, given.valid_until,
        )  # fmt: skip
    except RotaError as error:
        raise Refused(str(error)) from None
    except ValueError:
        raise Refused(f"“{label}”的类别、日子或轮换方式不对") from None
    if not set(given.weekdays) <= set(range(7)):
        raise Refused(f"“{label}”的星期不对")
    if {p.pk for p in given.people} & {p.pk for p in given.stand_ins}:
        raise Refused(f"“{label}”里同一个人既是值班又是替补")


def _set_people(row: ShiftRule, given: RuleInput) -> None:
    wanted = [(p.pk, False, n) for n, p in enumerate(given.people)]
    wanted += [(p.pk, True, n) for n, p in enumerate(given.stand_ins)]
    if wanted != [(p.person_id, p.stand_in, p.order) for p in row.people.all()]:
        row.people.all().delete()
        RulePerson.objects.bulk_create(
            RulePerson(rule=row, person_id=person, stand_in=stand_in, order=order) for person, stand_in, order in wanted
        )


def _state(row: ShiftRule) -> dict[str, object]:
    people = list(row.people.all())
    return {name: getattr(row, name) for name in _FIELDS} | {
        "people": [p.person_id for p in people if not p.stand_in],
        "stand_ins": [p.person_id for p in people if p.stand_in],
    }
