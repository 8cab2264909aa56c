"""Who is told of what happens to a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xingwei.base.accounts import queries as accounts
from xingwei.base.accounts.models import User
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor

from ..engine.workflow import Move
from ..models import Case
from ..workflow import state_of

# What the reporter need not hear of: internal steps between the two sides.
_QUIET_FOR_REPORTER = frozenset({"progress", "consented", "planned"})


def tell_move(actor: Actor, row: Case, step: Move, values: Mapping[str, Any]) -> None:
    """After a move, inside its transaction: those who take part, except who made it."""
    if step.event == "bulletin":
        _bulletin(actor, row, str(values.get("bulletin", "")))
        return
    people = set(row.watchers.values_list("person_id", flat=True))
    if row.assignee_id:
        people.add(row.assignee_id)
    if row.reporter_id and step.event not in _QUIET_FOR_REPORTER:
        people.add(row.reporter_id)
    if step.waiting == "hospital" or step.event in {"planned", "consented", "answered"}:
        people |= _ids("it_head")
    if step.event in {"handed_over", "reopened", "consented"}:
        people |= _ids("service_manager")
    if step.event == "to_rd":
        people |= _ids("rnd")
    tell(
        actor,
        people,
        row,
        kind="desk.case",
        title=f"{row.number} {step.label}：{row.title}",
        text=_words(row, values),
        key=f"move:{row.pk}:{row.version}",
    )


def tell_assigned(actor: Actor, row: Case) -> None:
    if row.assignee_id:
        tell(
            actor,
            {row.assignee_id},
            row,
            kind="desk.assigned",
            title=f"交给您：{row.number} {row.title}",
            text=f"{row.where}反映。{row.description[:120]}",
            key=f"assigned:{row.pk}:{row.version}",
            urgent=row.severity in {1, 2},
        )


def tell(
    actor: Actor,
    people: Iterable[int],
    row: Case,
    *,
    kind: str,
    title: str,
    text: str = "",
    key: str = "",
    urgent: bool = False,
) -> None:
    """Tell these people, except the one who acts."""
    others = [p for p in people if p != actor.id]
    if others:
        notify.tell(
            actor, others, kind=kind, title=title[:120], text=text, url=row.get_absolute_url(), urgent=urgent, key=key
        )


def _bulletin(actor: Actor, row: Case, text: str) -> None:
    """A bulletin goes to the department, the IT department, the offices, and the group robots (clause 9.2a)."""
    people = set(row.watchers.values_list("person_id", flat=True)) | _ids("it_staff", "it_head", "service_manager")
    if row.system_code == "YB":
        people |= _ids("insurance_office")
    if row.department_id:
        people |= set(User.objects.filter(department_id=row.department_id, is_active=True).values_list("pk", flat=True))
    title = f"通报 {row.number}：{row.title}"
    tell(actor, people, row, kind="desk.bulletin", title=title, text=text, key=f"bulletin:{row.pk}:{row.version}",
         urgent=row.severity == 1)  # fmt: skip
    notify.broadcast(
        actor, topic="bulletin", title=title, text=text, url=row.get_absolute_url(), urgent=row.severity == 1,
        key=f"bulletin:{row.pk}:{row.version}",
    )  # fmt: skip


def _ids(*roles: str) -> set[int]:
    return set(accounts.people_with_role(*roles).values_list("pk", flat=True))


def _words(row: Case, values: Mapping[str, Any]) -> str:
    said = values.get("answer") or values.get("solution") or values.get("reason") or values.get("note") or ""
    return f"现在：{state_of(row).label}。{str(said)[:200]}"


def it_heads() -> set[int]:
    return _ids("it_head")
