"""Who acts. The journal needs no more than this of a person; `policy.Actor` adds what they may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """One acting party, as it is written into the journal.

    id: the account's id, None for the system itself. name, organisation: as on screen.
    address: network address. via: page, api, command, task, email, wecom, probe.
    """

    id: int | None
    name: str
    organisation: str = ""
    address: str = ""
    via: str = "page"
