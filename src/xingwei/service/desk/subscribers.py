"""What the desk does when something else changed: deadlines are recomputed after the calendar or the terms."""

from __future__ import annotations

from xingwei.base.journal.models import Entry
from xingwei.base.journal.services import after
from xingwei.base.runtime.queue import wake


@after("calendar.version.publish", "contract.version.publish", "contract.question.agree", "contract.question.withdraw")
def recompute(entry: Entry) -> None:
    from .tasks import recompute_clocks

    wake(recompute_clocks)
