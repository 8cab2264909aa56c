"""The desk's tables, by subject."""

from .case import Agreement, Answer, Case, CaseClocks, CaseLink, CaseText, Number, RdProgress, Watcher
from .escalation import Escalation, EscalationStep
from .intake import CallLog, Coordination, Draft, Feedback, SavedView
from .timeline import Attachment, CaseEvent

__all__ = [
    "Agreement",
    "Answer",
    "Attachment",
    "CallLog",
    "Case",
    "CaseClocks",
    "CaseEvent",
    "CaseLink",
    "CaseText",
    "Coordination",
    "Draft",
    "Escalation",
    "EscalationStep",
    "Feedback",
    "Number",
    "RdProgress",
    "SavedView",
    "Watcher",
]
