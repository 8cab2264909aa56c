"""People for tests: an organisation of each side, departments and accounts made on demand."""

from __future__ import annotations

import itertools

from xingwei.base.accounts.models import Department, Organisation, RoleAssignment, User
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
