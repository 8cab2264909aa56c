"""The points at which the living hospital asks the board of faults. A fault that names one of these strikes.

Targets are the codes of hospital.yaml: systems that receive (`lis`, `cis`, `emr`, `his`, `opd`, `odr`, `pacs`,
`hlyy`, `circulation`, `trace`, `pay`) and what sends (`his-adt`, `cis-orders`, `lis-report`, `pacs-report`,
`dev-cbc`, `dev-chem1`, `dev-chem2`, `dev-immuno`, `dev-coag`, `dev-image`, `label`). Parameters stand in brackets;
every point may have `share` (0 to 1: how often it strikes) besides.
"""

from __future__ import annotations

from typing import Any

from simhospital.faults import board

POINTS = {
    # those that receive over MLLP
    "mllp-lose": "closes the line before it has taken the message: nothing stored, no answer",
    "mllp-hang": "stores the message and never answers",
    "mllp-slow": "answers late [seconds]",
    "mllp-refuse": "answers AE, does not store [text]",
    "mllp-reject": "answers AR, does not store [text]",
    "mllp-garbage": "stores, answers with bytes that are no HL7",
    "mllp-wrong-ack": "stores, answers with another message's control id",
    "mllp-half-open": "accepts the line and reads nothing",
    "mllp-close": "closes every new line at once",
    # those that answer over HTTP
    "http-lose": "closes the line before anything is done",
    "http-hang": "does what is asked and never answers [seconds]",
    "http-slow": "answers late [seconds]",
    "http-error": "answers with a status of failure, does nothing [status]",
    "http-garbage": "answers with a page that is no JSON",
    # a whole system or instrument
    "system-down": "its listeners are closed and it sends nothing, until the fault ends",
    # those that send
    "send-silent": "sends nothing; what happens meanwhile waits in its book",
    "send-lost": "believes to have sent, but has not (booked as lost)",
    "send-twice": "sends each message twice, same control id",
    "send-new-id": "sends each message twice, the second time with a new control id",
    "send-mojibake": "says one charset and sends another",
    "send-poison": "puts a segment into the message that no receiver can take",
    "send-swapped": "sends two messages of one patient in the wrong order",
    "send-truncated": "sends half a message, then closes the line",
    # instruments
    "dev-checksum": "wrong check sums (ASTM)",
    "dev-decimal": "results ten times what they are [factor]",
    "dev-unmapped": "a channel code that nobody knows [code]",
    "dev-clock": "its clock is wrong [seconds]",
    "dev-no-barcode": "sends a sample number of zeros",
    "dev-partial": "leaves results out [items]",
    # work
    "label-silent": "the labeller makes the tube and never reports its barcode",
    "rush": "so many times the usual number of patients [factor]",
}


def active(point: str, target: str = "") -> dict[str, Any] | None:
    """The parameters of the fault if it strikes here and now. Raises KeyError for a point that is not listed."""
    POINTS[point]
    return board.strikes(point, target)


def did(found: dict[str, Any] | None, **what: Any) -> None:
    """Say that the fault has really struck, for the log of truth."""
    board.did(found, **what)
