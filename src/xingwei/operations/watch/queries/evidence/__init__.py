"""What triage is given, from every room that knows something: measurements, the gateway, changes, people, cases."""

from .collect import Collected, collect

__all__ = ["Collected", "collect"]
