"""What is decided before a single row is written: how busy each day is, who lies where, who works here.

Pure: the same numbers give the same plan.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from . import dictionaries

EPOCH = date(2000, 1, 1)
WARM_UP = 21  # days of admissions before the first day, so that the wards are full when it begins
_WEEKDAY = (1.13, 1.05, 0.99, 0.94, 0.89, 0.52, 0.29)
_MONTH = (0.93, 0.80, 1.06, 1.02, 1.02, 1.00, 1.10, 1.08, 1.00, 0.97, 1.01, 1.01)
_MEAN = sum(_WEEKDAY) / 7
ADMITTED = 0.039  # admissions to outpatient visits
# % per hour 00→23
HOURS = {
    "clinic": (0, 0, 0, 0, 0, 0, 2, 13, 17, 14, 10, 5, 2, 6, 10, 9, 6, 3, 1.5, 1, 0.3, 0.2, 0, 0),
    "er": (2.6, 2, 1.5, 1.2, 1.1, 1.3, 2.3, 6.2, 8.4, 7.3, 4, 3.4, 3, 3.1, 3.2, 3.5, 7, 7.6, 8.8, 8.5, 4.6, 3.9, 3, 2.5),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """first: the first day; days, visits: how many days, and outpatient visits on an average day of the week."""

    first: date
    days: int
    visits: int
    seed: int

    @property
    def last(self) -> date:
        """The day after the last one: nothing has happened after its beginning."""
        return self.first + timedelta(days=self.days)

    @property
    def patients(self) -> int:
        """How many people have a card."""
        return max(500, int(self.visits * max(6, self.days * 0.35)))

    def visits_on(self, day: date) -> int:
        """Outpatient and emergency visits that are registered on that day."""
        return max(1, round(self.visits * _WEEKDAY[day.weekday()] / _MEAN * _MONTH[day.month - 1]))


@dataclass(frozen=True, slots=True)
class Stay:
    zyh: int
    day: date
    patient: int
    department: str
    ward: str
    bed: str
    admitted: datetime
    discharged: datetime
    nights: int
    operated: bool
    intensive: bool


@dataclass(frozen=True, slots=True)
class Person:
    """title: GB/T 8561; antibiotics: 0 none, 1 plain, 2 restricted, 3 special; role: for whom rows pick somebody."""

    number: str
    name: str
    sex: str
    title: str
    title_name: str
    department: str
    licence: str
    antibiotics: str
    surgery: str
    role: str


def share_of_day(kind: str, hour: int) -> float:
    """Which share (0 to 1) of a day's arrivals falls into this hour."""
    return HOURS[kind][hour] / sum(HOURS[kind])


def stays(plan: Plan) -> Iterator[Stay]:
    """Every admission, each in a bed of its own while it lasts."""
    chance = random.Random(plan.seed)  # noqa: S311 - a hospital, no secret
    wards = [r["ksdm"] for r in dictionaries.rows("departments") if r["zy"] == "1"]
    free: dict[str, list[int]] = {w: [] for w in wards}
    taken: dict[str, list[tuple[datetime, int]]] = {w: [] for w in wards}
    beds = dict.fromkeys(wards, 0)
    for offset in range(-WARM_UP, plan.days):
        day = plan.first + timedelta(days=offset)
        number = max(1, round(plan.visits_on(day) * ADMITTED))
        times = sorted(_time(chance) for _ in range(number))
        for n, at in enumerate(times, 1):
            ward = chance.choice(wards)
            admitted = datetime.combine(day, at)
            nights = max(1, min(45, round(math.exp(chance.gauss(1.65, 0.75)))))
            leave = datetime.combine(day + timedelta(days=nights), time(9 + chance.randrange(7), chance.randrange(60)))
            while taken[ward] and taken[ward][0][0] < admitted:
                heapq.heappush(free[ward], heapq.heappop(taken[ward])[1])
            if free[ward]:
                bed = heapq.heappop(free[ward])
            else:
                beds[ward] += 1
                bed = beds[ward]
            heapq.heappush(taken[ward], (leave + timedelta(hours=1), bed))
            zyh = (day - EPOCH).days * 10000 + n
            patient = 1_000_000_001 + chance.randrange(plan.patients)
            operated = ward.startswith(("02", "03", "05")) and chance.random() < 0.55
            yield Stay(
                zyh, day, patient, ward, f"{ward}W", f"{bed:02d}", admitted, leave, nights, operated, ward == "0702"
            )


def _time(chance: random.Random) -> time:
    hour = chance.choices(range(8, 20), (6, 18, 20, 14, 4, 4, 10, 9, 6, 4, 3, 2))[0]
    return time(hour, chance.randrange(60), chance.randrange(60))


# GB/T 8561 code, name, antibiotic and surgical grade, how many in a department
_RANKS = (
    ("231", "主任医师", "3", "4", 2),
    ("232", "副主任医师", "3", "3", 3),
    ("233", "主治医师", "2", "3", 5),
    ("234", "住院医师", "1", "1", 4),
)
_OTHERS = (
    ("cashier", "1003", "收费员", 40),
    ("finance", "1003", "会计师", 6),
    ("nurse", "1002", "护师", 100),
    ("technician", "0901", "技师", 40),
    ("pharmacist", "090901", "药师", 40),
    ("radiologist", "0903", "医师", 40),
)


def people(seed: int) -> list[Person]:
    """The staff: doctors of every clinical department by rank, and those at the counters, wards and laboratories."""
    chance = random.Random(seed + 7)  # noqa: S311 - as above
    document = dictionaries.document()
    found: list[Person] = []

    def add(role: str, department: str, title: str, title_name: str, antibiotics: str, surgery: str) -> None:
        sex = chance.choice("12")
        given = document["given_male" if sex == "1" else "given_female"]
        name = chance.choice(document["surnames"]) + "".join(chance.sample(given, chance.choice((1, 2, 2))))
        number = str(10001 + len(found))
        licence = f"D4405{number:0>8}" if role.startswith("d") else f"N4405{number:0>8}"
        found.append(Person(number, name, sex, title, title_name, department, licence, antibiotics, surgery, role))

    for row in dictionaries.rows("departments"):
        if row["kslb"] == "01":
            for title, name, antibiotics, surgery, count in _RANKS:
                for _ in range(count):
                    add(f"d{row['ksdm']}", row["ksdm"], title, name, antibiotics, surgery)
    for role, department, title_name, count in _OTHERS:
        for _ in range(count):
            add(
                role,
                department,
                {"护师": "254", "药师": "244", "技师": "264"}.get(title_name, "234"),
                title_name,
                "0",
                "0",
            )
    return found
