"""What all services of the watch share: the refusal, and telling the watching processes."""

from __future__ import annotations

from django.db import connection

from xingwei.base.ui.views import ServiceRefused

TOPIC = "watch_probes"


class WatchRefused(ServiceRefused):
    """What the watch's services refuse; the text is for the user."""


def announce(payload: str = "changed") -> None:
    """Tell the watching processes; they hear it when, and only when, the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [TOPIC, payload])


def reason_of(text: str) -> str:
    """A reason that somebody typed; raises WatchRefused where it says nothing."""
    reason = " ".join(text.split())[:300]
    if len(reason) < 2:
        raise WatchRefused("请写明原因：记入审计，也让接班的人知道为什么。")
    return reason
