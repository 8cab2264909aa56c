"""The hospital that the cases belong to: systems, departments, people, contract and calendar.

What the product can import it imports (the demonstration's people, systems and rota, the contract, the calendars);
beside them stand as many more departments and people as a hospital with that many cases has.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random
from typing import Any

from . import texts
from .frame import REPO

PASSWORD = "Xingwei-bench-2026"
MORE_PEOPLE = 1_500
MORE_DEPARTMENTS = 80


@dataclass(frozen=True, slots=True)
class House:
    """Keys of the rows that cases refer to. people: department → its reporters."""

    systems: dict[str, int]
    subsystems: dict[int, list[int]]
    functions: dict[int, list[int]]
    departments: list[tuple[int, str]]
    people: dict[int, list[tuple[int, str]]]
    it: list[tuple[int, str]]
    vendor: list[tuple[int, str]]


def build() -> None:
    """Fill an empty database."""
    from xingwei.base.accounts.services import import_people
    from xingwei.base.calendar import services as calendar
    from xingwei.base.estate.services import import_estate
    from xingwei.base.policy.engine import system_actor
    from xingwei.service.contract import services as contract
    from xingwei.service.rota.services import import_rota

    system = system_actor("bench")
    import_people(system, REPO / "src" / "xingwei" / "web" / "demo" / "people.yaml", password=PASSWORD)
    import_estate(system, REPO / "estates" / "guangyuan")
    calendar.install(system)
    version = contract.import_contract(system, REPO / "contracts" / "guangyuan-2025")
    contract.put_in_force(system, version, starts_on=dt.date(2025, 12, 20), ends_on=dt.date(2028, 12, 19))
    import_rota(system, REPO / "rotas" / "guangyuan.yaml", overwrite=False)
    _more_people(Random(11))


def _more_people(random: Random) -> None:
    from django.contrib.auth.hashers import make_password

    from xingwei.base.accounts.engine.names import pinyin_of
    from xingwei.base.accounts.models import Department, Organisation, RoleAssignment, User

    hospital = Organisation.objects.filter(side="hospital").order_by("pk")[0]
    Department.objects.bulk_create(
        Department(organisation=hospital, code=f"b{n:03d}", name=f"{n // 10 + 1}病区{n % 10 + 1}组", kind="clinical")
        for n in range(MORE_DEPARTMENTS)
    )
    departments = list(Department.objects.order_by("pk"))
    nobody = make_password(None)
    people = []
    for n in range(MORE_PEOPLE):
        name = texts.name(random)
        people.append(
            User(
                username=f"b{n:04d}",
                name=name,
                pinyin=pinyin_of(name, ""),
                organisation=hospital,
                password=nobody,
                department=departments[n % len(departments)],
                phone=f"7{n:04d}",
                email=f"b{n:04d}@hospital.example",
            )
        )
    User.objects.bulk_create(people)
    RoleAssignment.objects.bulk_create(RoleAssignment(user=p, role="reporter") for p in people)


def read() -> House:
    from xingwei.base.accounts.models import Department, User
    from xingwei.base.estate.models import BusinessFunction, Subsystem, System

    def people(**where: Any) -> list[tuple[int, str]]:
        return list(User.objects.filter(**where).order_by("pk").values_list("pk", "name").distinct())

    by_department: dict[int, list[tuple[int, str]]] = {}
    for pk, name, department in (
        User.objects.filter(department__isnull=False).order_by("pk").values_list("pk", "name", "department_id")
    ):
        by_department.setdefault(department, []).append((pk, name))
    return House(
        systems=dict(System.objects.values_list("code", "pk")),
        subsystems=_by_system(Subsystem),
        functions=_by_system(BusinessFunction),
        departments=list(Department.objects.order_by("pk").values_list("pk", "name")),
        people=by_department,
        it=people(assignments__role="it_staff"),
        vendor=people(assignments__role__in=["onsite_engineer", "service_manager", "rnd"]),
    )


def _by_system(model: Any) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for system, pk in model.objects.order_by("pk").values_list("system_id", "pk"):
        found.setdefault(system, []).append(pk)
    return found
