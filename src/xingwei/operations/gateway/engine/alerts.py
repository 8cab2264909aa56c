"""When trouble becomes an alert and when it is over: hysteresis, so that what flickers opens one case only. Pure.

quiet → (trouble lasts `after`) → firing → (all well for `over`) → quiet. Trouble that ends sooner than `after` never
fires; trouble that returns before `over` has passed is the same trouble.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

State = Literal["quiet", "pending", "firing", "ending"]
Act = Literal["", "open", "close"]


@dataclass(frozen=True, slots=True)
class Rule:
    """after: how long trouble must last; over: how long all must be well."""

    after: dt.timedelta
    over: dt.timedelta


@dataclass(frozen=True, slots=True)
class Next:
    """state and since when; what to do."""

    state: State
    since: dt.datetime
    act: Act = ""


def step(state: State, since: dt.datetime, trouble: bool, now: dt.datetime, rule: Rule) -> Next:
    """The next state. Called again and again; between two calls any time may pass."""
    if state in {"quiet", "pending"}:
        if not trouble:
            return Next("quiet", since if state == "quiet" else now)
        began = since if state == "pending" else now
        return Next("firing", now, "open") if now - began >= rule.after else Next("pending", began)
    if trouble:
        return Next("firing", since if state == "firing" else now)
    ended = since if state == "ending" else now
    return Next("quiet", now, "close") if now - ended >= rule.over else Next("ending", ended)
