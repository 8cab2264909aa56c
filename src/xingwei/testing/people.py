"""People for tests: an organisation of each side, departments and accounts made on demand."""

from __future__ import annotations

import datetime as dt
import itertools
import secrets

from django.utils import timezone

from xingwei.base.accounts.models import ApiToken, Department, Organisation, RoleAssignment, User
from xingwei.base.accounts.queries import actor_of
from xingwei.base.accounts.tokens import PREFIX, digest
from xingwei.base.policy.registry import policy
from xingwei.base.policy.registry import roles as known_roles

_numbers = itertools.count(1)
_ORGANISATIONS = {
    "hospital": ("hospital", "市中心医院"),
    "vendor": ("vendor", "运维公司"),
    "third": ("ybzx", "医保中心"),
}


def organisation(side: str) -> Organisation:
    code, name = _ORGANISATIONS[side]
    found, _ = Organisation.objects.get_or_create(code=code, defaults={"name": name, "short_name": name, "side": side})
    return found


def department(name: str, kind: str = "clinical", code: str = "") -> Department:
    existing = Department.objects.filter(name=name).first()
    return existing or Department.objects.create(
        organisation=organisation("hospital"), code=code or f"d{next(_numbers)}", name=name, kind=kind
    )


def make_person(*roles: str, name: str = "", department: str | Department = "", systems: tuple[str, ...] = ()) -> User:
    """An account that holds the roles; its organisation is the side of the first."""
    n = next(_numbers)
    side = known_roles()[roles[0]]["side"] if roles else "hospital"
    where = department if isinstance(department, Department) else None
    if isinstance(department, str) and department:
        where = globals()["department"](department)
    user = User.objects.create(
        username=f"u{n}",
        name=name or f"人员{n}",
        organisation=organisation(side),
        department=where,
        phone=f"8{n:03d}",
    )
    for role in roles:
        RoleAssignment.objects.create(user=user, role=role, systems=list(systems))
    return user


def make_token(user: User) -> str:
    """An API token of the account that carries all its permissions."""
    actor = actor_of(user)
    held = [
        f"{resource.key}:{action.key}"
        for resource in policy().resources.values()
        for action in resource.actions.values()
        if policy().scope(actor, f"{resource.key}:{action.key}") is not None
    ]
    text = PREFIX + secrets.token_urlsafe(24)
    until = timezone.now() + dt.timedelta(days=1)
    ApiToken.objects.create(
        user=user, name="测试", prefix=text[:12], digest=digest(text), scopes=held, expires_at=until
    )
    return text
