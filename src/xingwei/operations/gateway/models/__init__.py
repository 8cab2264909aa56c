"""Tables of the gateway: what is configured, what goes through, and what its processes hold."""

from .configuration import (
    Channel,
    CodeMap,
    CodeMapVersion,
    Route,
    RouteVersion,
)
from .processes import Breaker, BreakerEvent, Gauge, Lease, Process
from .traffic import Attempt, Delivery, Message, Queued

__all__ = [
    "Attempt",
    "Breaker",
    "BreakerEvent",
    "Channel",
    "CodeMap",
    "CodeMapVersion",
    "Delivery",
    "Gauge",
    "Lease",
    "Message",
    "Process",
    "Queued",
    "Route",
    "RouteVersion",
]
