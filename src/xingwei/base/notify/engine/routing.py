"""By which channels one person hears of one thing, and from when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from xingwei.base.ui.words import CHINA

PERSONAL = ("wecom", "mail", "sms", "voice")
ALWAYS_WHEN_URGENT = frozenset({"sms", "voice"})
EVERY_KIND = "*"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where one person can be reached; "" where not."""

    wecom: str = ""
    mail: str = ""
    mobile: str = ""

    def address(self, channel: str) -> str:
        return self.mobile if channel in ALWAYS_WHEN_URGENT else getattr(self, channel, "")


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which ordinary messages wait; may run over midnight. since == until: none."""

    since: dt.time
    until: dt.time


def channels(
    contact: Contact,
    configured: Collection[str],
    kind: str,
    chosen: Mapping[tuple[str, str], bool],
    *,
    urgent: bool,
) -> list[str]:
    """Channels beside the page inbox, which always gets it.

    chosen: (kind, channel) → on or off, kind "*" standing for all kinds. Without a choice ordinary messages
    go by WeCom, or by mail to whom WeCom does not reach; urgent ones go by every channel. Nobody can switch
    off text message and call for urgent ones: a level-1 fault never depends on a chat program alone.
    """
    reachable = [c for c in PERSONAL if c in configured and contact.address(c)]
    on = []
    for channel in reachable:
        choice = chosen.get((kind, channel), chosen.get((EVERY_KIND, channel)))
        if urgent and channel in ALWAYS_WHEN_URGENT:
            choice = True
        if choice is None:
            choice = urgent or channel == ("wecom" if "wecom" in reachable else "mail")
        if choice:
            on.append(channel)
    return on


def not_before(now: dt.datetime, quiet: Quiet | None, *, urgent: bool) -> dt.datetime:
    """When an outside message may go: now, or at the end of the person's quiet hours."""
    if quiet is None or urgent or quiet.since == quiet.until:
        return now
    local = now.astimezone(CHINA)
    clock = local.time()
    over_midnight = quiet.since > quiet.until
    if over_midnight:
        inside = clock >= quiet.since or clock < quiet.until
    else:
        inside = quiet.since <= clock < quiet.until
    if not inside:
        return now
    end = local.replace(hour=quiet.until.hour, minute=quiet.until.minute, second=0, microsecond=0)
    return end if end > local else end + dt.timedelta(days=1)
