"""What the phone entry presets, and the case that comes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q
from django.http import QueryDict
from django.utils import timezone

from xingwei.base.accounts import queries as accounts
from xingwei.base.accounts.models import Department, User
from xingwei.base.estate.models import System
from xingwei.base.policy.engine import Actor
from xingwei.service.contract import queries as contracts

from ..models import Case
from ..queries.guess import Guess, guess
from ..services import intake
from ..workflow import state_of, workflow
from .guides import guides_for

QUARTER = dt.timedelta(days=90)
_LEVEL_WORDS = {
    1: "全院系统瘫痪，业务不能开展",
    2: "挂号、药房、收费、结账窗口不能办",
    3: "能维持工作，或非窗口部门故障",
    0: "需求、咨询、数据、报表",
}


def as_query(values: Mapping[str, Any]) -> QueryDict:
    query = QueryDict(mutable=True)
    for key, value in values.items():
        query[key] = str(value)
    return query


def preset(actor: Actor, said: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the lower half of the form shows. Answers named in `own` are the person's and stay."""
    caller = _caller(said)
    department = _department(said, caller)
    text = said.get("description", "").replace("\x00", "").strip()[:5000]
    found = guess(actor, text, department=department)
    own = set(said.get("own", "").split(","))
    kind = said["kind"] if "kind" in own and said.get("kind") in workflow().kinds else found.kind
    graded = workflow().kinds[kind].graded
    severity = str(found.severity or 3) if graded else "0"
    if "severity" in own and said.get("severity", "") in {"0", "1", "2", "3"}:
        severity = said["severity"] if graded else "0"
    system = (
        said.get("system", "") if "system" in own else (found.system.code if found.system else said.get("system", ""))
    )
    people = _assignees(actor, found)
    suggested = str(people[0]["pk"]) if people else ""
    assignee = said.get("assignee", "") if "assignee" in own else suggested
    return {
        "guess": found,
        "systems": [
            {"code": s.code, "short_name": s.short_name, "digit": str(n)[-1] if n <= 10 else ""}
            for n, s in enumerate(System.objects.all(), start=1)
        ],
        "kinds": list(workflow().kinds.values()),
        "levels": _levels(),
        "people": people,
        "duplicates": [
            {"case": d.case, "state": state_of(d.case)} for d in found.duplicates
        ],
        "caller_person": with_history([caller])[0] if caller else None,
        "departments": Department.objects.filter(active=True),
        "chosen": {
            "kind": kind, "severity": severity, "system": system, "assignee": assignee, "own": said.get("own", ""),
            "to": next((p["name"] for p in people if str(p["pk"]) == assignee), ""),
            "department": str(department.pk) if department else "",
        },
        "graded": graded,
        "guides": guides_for(actor, text, found.system.pk if found.system else None),
        "said": bool(text),
    }  # fmt: skip


def _caller(said: Mapping[str, Any]) -> User | None:
    """The person picked, or the only one whom the typed text can mean."""
    people = User.objects.select_related("department", "organisation")
    if said.get("reporter", "").isdigit():
        return people.filter(pk=int(said["reporter"])).first()
    text = said.get("caller", "").replace("\x00", "").strip()[:60]
    found = accounts.find_people(text, limit=2) if text else []
    return people.get(pk=found[0].pk) if len(found) == 1 else None


def _department(said: Mapping[str, Any], caller: User | None) -> Department | None:
    if caller is not None and caller.department:
        return caller.department
    wanted = said.get("department", "")
    return Department.objects.filter(pk=int(wanted)).first() if wanted.isdigit() else None


def with_history(people: list[User]) -> list[dict[str, Any]]:
    """Each with how often they rang this quarter and what of theirs is open, in one query."""
    since = timezone.now() - QUARTER
    counted = {
        row["reporter_id"]: row
        for row in Case.objects.filter(reporter__in=people, opened_at__gte=since)
        .values("reporter_id")
        .annotate(n=Count("pk"), open=Count("pk", ~Q(category="closed")))
        .order_by()
    }
    return [
        {
            "pk": p.pk,
            "name": p.name,
            "side": p.organisation.side,
            "department": p.department.name if p.department else p.organisation.short_name,
            "place": p.department.location if p.department else "",
            "phone": p.phone or p.mobile,
            "n": counted.get(p.pk, {}).get("n", 0),
            "open": counted.get(p.pk, {}).get("open", 0),
        }
        for p in people
    ]


def _assignees(actor: Actor, found: Guess) -> list[dict[str, Any]]:
    people = [
        {"pk": a.person.pk, "name": str(a.person), "side": "vendor", "note": a.note}
        for a in found.assignees
        if a.person.pk != actor.id
    ]
    mine = next((a.note for a in found.assignees if a.person.pk == actor.id), "")
    me = {"pk": actor.id, "name": "我来办", "side": actor.side, "note": mine}
    return [*people, me] if people else [me]


def _levels() -> list[dict[str, Any]]:
    """The four levels with what the contract promises for each; the promises are the contract's own numbers."""
    promises = {0: "按约定时间答复"}
    try:
        for level, arrival in contracts.service_policy().arrive.items():
            promises[level] = f"{_hours(arrival)}内到场"
    except contracts.NoContract:
        pass
    return [{"value": n, "text": _LEVEL_WORDS[n], "promise": promises.get(n, "")} for n in (1, 2, 3, 0)]


def _hours(arrival: Any) -> str:
    if arrival.hours is not None:
        return f"{arrival.hours.total_seconds() / 3600:g} 小时"
    return f"{arrival.workdays} 个工作日"


def respond_by() -> str:
    try:
        span = contracts.service_policy().response
    except contracts.NoContract:
        span = dt.timedelta(minutes=30)
    return f"{timezone.localtime(timezone.now() + span):%H:%M}"


def new_case(actor: Actor, said: dict[str, Any]) -> intake.NewCase:
    """What was said, completed by the guess where nothing was chosen (or the browser runs no scripts)."""
    caller: User | None = said["reporter"] or _only_match(said["caller"])
    department = (caller.department if caller else None) or said["department"]
    found = guess(actor, said["description"], department=department)
    kind = said["kind"] or found.kind
    graded = workflow().kinds[kind].graded
    severity = (said["severity"] or found.severity or 3) if graded else 0
    name = "" if caller else said["caller"]
    return intake.NewCase(
        kind=kind,
        description=said["description"],
        channel=said["channel"] or Case.Channel.PHONE,
        severity=severity,
        level_reason="；".join(found.why) if severity == found.severity and graded else "",
        system=said["system"] or found.system,
        subsystem=found.subsystem if not said["system"] or said["system"] == found.system else None,
        function=found.function if not said["system"] or said["system"] == found.system else None,
        interface=found.interface if not said["system"] or said["system"] == found.system else None,
        department=department,
        reporter=caller,
        reporter_name=name,
        phone=said["phone"] or ("" if caller or not name.isdigit() else name),
        assignee=said["assignee"],
        it_first=said["it_first"],
        key=said["key"],
        files=said["files"],
    )


def _only_match(text: str) -> User | None:
    found = accounts.find_people(text, limit=2) if text else []
    return found[0] if len(found) == 1 else None
