"""Reading people: the acting person of a request, and look-ups that other rooms need."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from xingwei.base.policy.engine import ANONYMOUS, Actor
from xingwei.base.policy.registry import roles
from xingwei.base.site.queries import value

from .models import Department, Organisation, RoleAssignment, RoleProposal, User

CHANNELS = {"mail": "email", "wecom": "wecom_id"}


def actor_of(user: User, *, address: str = "", via: str = "page") -> Actor:
    """The account as an Actor; ANONYMOUS for one that is switched off or past its date."""
    if not user.in_force():
        return ANONYMOUS
    assignments = list(user.assignments.in_force().order_by("role"))
    return Actor(
        id=user.pk,
        name=user.name,
        organisation=user.organisation.short_name,
        address=address,
        via=via,
        side=user.organisation.side,
        roles=frozenset(a.role for a in assignments),
        departments=frozenset([user.department_id] if user.department_id else []),
        systems=frozenset(code for a in assignments for code in a.systems),
    )


def in_force(day: dt.date | None = None) -> QuerySet[User]:
    """Accounts that may be used on the day (today)."""
    today = day or timezone.localdate()
    return User.objects.filter(Q(valid_until=None) | Q(valid_until__gte=today), is_active=True)


def people_with_role(*wanted: str) -> QuerySet[User]:
    """Accounts in force that hold at least one of the roles today, in order of name."""
    held = RoleAssignment.objects.in_force().filter(role__in=wanted)
    people = in_force().filter(pk__in=held.values("user_id"))
    return people.select_related("organisation", "department").order_by("name", "pk")


def find_people(q: str, limit: int = 6) -> list[User]:
    """Accounts in force by extension, mobile, 工号, name or pinyin (王, wanggong, wg); best first."""
    text = unicodedata.normalize("NFKC", q).replace("\x00", "").strip().lower()[:40]
    if not text:
        return []
    found = (
        in_force()
        .filter(matching(text))
        .annotate(
            rank=Case(
                When(Q(phone=text) | Q(mobile=text) | Q(username__iexact=text), then=Value(0)),
                When(Q(name=text) | Q(short_name=text), then=Value(1)),
                When(Q(department__extension=text), then=Value(2)),
                When(Q(name__startswith=text) | Q(short_name__startswith=text), then=Value(3)),
                default=Value(4),
                output_field=IntegerField(),
            )
        )
    )
    return list(found.select_related("department", "organisation").order_by("rank", "pinyin", "pk")[:limit])


def matching(text: str) -> Q:
    """People whom the typed text may mean, as a condition on User."""
    text = unicodedata.normalize("NFKC", text).replace("\x00", "").strip().lower()[:40]
    wanted = Q(username__istartswith=text) | Q(name__contains=text) | Q(short_name__contains=text)
    if text.replace("-", "").isdigit():
        wanted |= Q(phone__startswith=text) | Q(mobile__startswith=text) | Q(department__extension=text)
    elif text.isascii():
        wanted |= Q(pinyin__startswith=text) | Q(pinyin__contains=f" {text}")
    return wanted


def by_address(channel: str, address: str) -> User | None:
    """The person who writes from there: "mail" by e-mail address, "wecom" by WeCom id; None for a stranger.

    An address that several accounts share tells nobody apart: None.
    """
    column = CHANNELS.get(channel)
    address = address.strip()
    if column is None or not address:
        return None
    found = list(in_force().filter(**{f"{column}__iexact": address}).select_related("organisation", "department")[:2])
    return found[0] if len(found) == 1 else None


def hospital() -> Organisation | None:
    """The hospital whose systems are maintained here."""
    return Organisation.objects.filter(side=Organisation.Side.HOSPITAL, active=True).order_by("pk").first()


def departments() -> QuerySet[Department]:
    """Departments in use, in the order of their codes."""
    return Department.objects.filter(active=True).select_related("organisation")


def role_choices(side: str = "") -> list[tuple[str, str]]:
    """(role, label) of all roles, or of one side's."""
    return [(r, spec["label"]) for r, spec in roles().items() if not side or spec["side"] == side]


def open_proposals() -> QuerySet[RoleProposal]:
    """Appointments of administrators that wait for a second person, oldest first."""
    rows = RoleProposal.objects.filter(state=RoleProposal.State.OPEN)
    return rows.select_related("user", "user__organisation", "proposed_by").order_by("proposed_at")


def expiring(days: int = 14) -> QuerySet[User]:
    """Switched-on accounts whose end date has come or is near, soonest first."""
    until = timezone.localdate() + dt.timedelta(days=days)
    rows = User.objects.filter(is_active=True, valid_until__lte=until)
    return rows.select_related("organisation", "department").order_by("valid_until", "pk")


def dormant() -> QuerySet[User]:
    """Accounts in force that nobody has used for as long as the setting allows."""
    since = timezone.now() - dt.timedelta(days=value("accounts.dormant_days"))
    never = Q(last_login=None, created_at__lt=since)
    return in_force().filter(Q(last_login__lt=since) | never).select_related("organisation", "department")


def tree(organisation: Organisation) -> list[dict[str, Any]]:
    """The departments of an organisation as (department, depth) rows, each below its parent."""
    rows = list(organisation.departments.order_by("code"))
    children: dict[int | None, list[Department]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)
    out: list[dict[str, Any]] = []

    def walk(parent: int | None, depth: int) -> None:
        for row in children.get(parent, []):
            out.append({"department": row, "depth": depth})
            walk(row.pk, depth + 1)

    walk(None, 0)
    return out
