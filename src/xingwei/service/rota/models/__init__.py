"""Tables of the room: rules, shifts, swaps and leave; attendance; escalation chains."""

from .attendance import Attendance
from .chains import ChainVersion, EscalationChain
from .shifts import CalendarFeed, Leave, PublishedWeek, RulePerson, Shift, ShiftRule, Swap

__all__ = [
    "Attendance",
    "CalendarFeed",
    "ChainVersion",
    "EscalationChain",
    "Leave",
    "PublishedWeek",
    "RulePerson",
    "Shift",
    "ShiftRule",
    "Swap",
]
