"""What all services of the gateway share: the refusal, and telling the gateway's processes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from django.db import connection

from xingwei.base.ui.views import ServiceRefused

CHANNEL = "xingwei_gateway"


class GatewayRefused(ServiceRefused):
    """What the gateway's services refuse; the text is for the user."""


def announce(what: Literal["configuration", "queued", "breaker"], channels: Iterable[int]) -> None:
    """Tell the gateway's processes; they hear it when, and only when, the transaction commits."""
    with connection.cursor() as cursor:
        for channel in sorted(set(channels)):
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"what": what, "channel": channel})])


def reason_of(text: str) -> str:
    """A reason that somebody typed, checked; raises GatewayRefused where it says nothing."""
    reason = " ".join(text.split())[:200]
    if len(reason) < 2:
        raise GatewayRefused("请写明原因：记入审计，也让接班的人知道为什么。")
    return reason
