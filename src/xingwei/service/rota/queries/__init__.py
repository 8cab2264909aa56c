"""Reading the rota: who is on duty, what is open, whom a chain calls, who came."""

from .attendance import Month, attendance, presence_now
from .chains import chain_for, chains, resolve, simulate
from .duty import (
    Duty,
    OnDuty,
    Week,
    duties,
    gaps,
    minimum_on_site,
    my_shifts,
    next_duty,
    now_of,
    on_duty,
    people_of,
    planned,
    week,
)

__all__ = [
    "Duty",
    "Month",
    "OnDuty",
    "Week",
    "attendance",
    "chain_for",
    "chains",
    "duties",
    "gaps",
    "minimum_on_site",
    "my_shifts",
    "next_duty",
    "now_of",
    "on_duty",
    "people_of",
    "planned",
    "presence_now",
    "resolve",
    "simulate",
    "week",
]
