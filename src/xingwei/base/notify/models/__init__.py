from .channels import Gateway, MailServer, Relay, Robot, WecomApp
from .inbound import InboundMessage
from .inbox import Notification, Preference, QuietHours
from .outbox import Lane, Outbox

__all__ = [
    "Gateway",
    "InboundMessage",
    "Lane",
    "MailServer",
    "Notification",
    "Outbox",
    "Preference",
    "QuietHours",
    "Relay",
    "Robot",
    "WecomApp",
]
