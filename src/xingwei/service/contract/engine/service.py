"""What the desk's clocks need of a contract: response and arrival under the readings in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from .model import Arrival, Contract
from .readings import Readings

_RAISED_BY_MAJOR_FAULT = 2  # reading "level12": 重大故障 means levels 1 and 2


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """Deadlines of a fault (九（二）). Pure data: the same version always says the same.

    response: time to answer, from the report; around the clock or in working time.
    arrive: severity → time to be on site. arrival_clock: how hours of arrival run, "round_the_clock" or
    "working_hours". workday: until when a working day lasts, "same_time" or "close_of_day".
    """

    version: str
    response: dt.timedelta
    response_around_the_clock: bool
    arrive: Mapping[int, Arrival]
    arrival_clock: str
    workday: str


def service_policy(contract: Contract, readings: Readings, version: str) -> ServicePolicy:
    """The policy that the text gives under these readings."""
    terms = contract.service
    arrive = {level.severity: level.arrive for level in terms.levels}
    if terms.major_fault is not None and readings["major-fault"] == "level12":
        arrive |= {n: terms.major_fault for n in arrive if n <= _RAISED_BY_MAJOR_FAULT}
    return ServicePolicy(
        version=version,
        response=terms.response,
        response_around_the_clock=terms.response_around_the_clock,
        arrive=arrive,
        arrival_clock=readings["arrival-clock"],
        workday=readings["workday"],
    )
