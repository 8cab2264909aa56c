"""When a delivery that failed is tried again."""

from __future__ import annotations

import datetime as dt

_FIRST = {True: dt.timedelta(seconds=10), False: dt.timedelta(seconds=30)}
_LONGEST = {True: dt.timedelta(minutes=5), False: dt.timedelta(minutes=30)}
_ATTEMPTS = {True: 20, False: 12}


def wait(attempts: int, *, urgent: bool, luck: float) -> dt.timedelta | None:
    """The wait after that many failed attempts; None when it is time to give up.

    Doubles from 30 s (urgent: 10 s) up to 30 min (urgent: 5 min), about 3 h in all (urgent: 1 h 20 min).
    luck: 0 to 1, spreads the wait over ±25 %, so that what failed together does not come back together.
    """
    if attempts >= _ATTEMPTS[urgent]:
        return None
    doubled = _FIRST[urgent] * int(2 ** min(attempts - 1, 16))
    return min(doubled, _LONGEST[urgent]) * (0.75 + luck / 2)
