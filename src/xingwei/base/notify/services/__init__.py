"""Every write of notification. Other rooms need `tell` and `broadcast` only."""

from .inbox import mark_all_read, mark_read, set_preferences
from .telling import broadcast, tell

__all__ = ["broadcast", "mark_all_read", "mark_read", "set_preferences", "tell"]
