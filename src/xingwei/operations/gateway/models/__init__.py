"""Tables of the gateway: what is configured, what goes through, and what its processes hold."""

from .catalogue import Service, Subscription
from .configuration import (
    Channel,
    CodeMap,
    CodeMapVersion,
    Route,
    RouteVersion,
)
from .critical import CriticalRule, CriticalValue
from .edits import Edit
from .lookups import Lookup
from .plans import Drill, Plan, PlanApproval, PlanVersion, ThresholdVersion
from .processes import Breaker, BreakerEvent, Gauge, Lease, Process
from .traffic import Attempt, Delivery, Message, Queued
from .volumes import Alert, Archive, QueueSample, SpaceSample, Volume, Watermark

__all__ = [
    "Alert",
    "Archive",
    "Attempt",
    "Breaker",
    "BreakerEvent",
    "Channel",
    "CodeMap",
    "CodeMapVersion",
    "CriticalRule",
    "CriticalValue",
    "Delivery",
    "Drill",
    "Edit",
    "Gauge",
    "Lease",
    "Lookup",
    "Message",
    "Plan",
    "PlanApproval",
    "PlanVersion",
    "Process",
    "QueueSample",
    "Queued",
    "Route",
    "RouteVersion",
    "Service",
    "SpaceSample",
    "Subscription",
    "ThresholdVersion",
    "Volume",
    "Watermark",
]
