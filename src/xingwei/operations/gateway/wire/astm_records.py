"""ASTM E1394-97 / LIS2-A2: messages of records. Fields are read by engine.documents (paths `O-3`, `R[*]-4`).

A message goes from a header record (H) to a terminator record (L); one session may carry several.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ..engine.documents import DocumentProblem, read

_RECORD = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)?")
_KNOWN = b"HPORCMSQL"
_SHANGHAI = ZoneInfo("Asia/Shanghai")
MOST_RECORDS = 20_000


@dataclass(frozen=True, slots=True)
class Summary:
    """What an index of messages needs. type: `R` results, `Q` a query, `O` orders. reference: the specimen.
    problem: Chinese; not empty where the records cannot be routed."""

    control_id: str = ""
    type: str = ""
    patient: str = ""
    reference: str = ""
    event_at: datetime | None = None
    charset: str = ""
    problem: str = ""


def messages(text: bytes) -> list[bytes]:
    """The messages of a session, each from its header on; nothing is left out."""
    out: list[bytearray] = []
    for found in _RECORD.finditer(text):
        record = found[0]
        if not record:
            continue
        if not out or (record[:1] == b"H" and record[1:2] not in b"\r\n" and out[-1].strip()):
            out.append(bytearray())
        out[-1] += record
    return [bytes(message) for message in out]


def summary(text: bytes, charset: str = "") -> Summary:
    """Never raises: what cannot be read is said in `problem`."""
    try:
        document = read("astm", text, charset)
        kinds = _kinds(text)
        if (problem := _problem(kinds)) != "":
            return Summary(charset=document.charset, problem=problem)
        kind = next((letter for letter in "QRO" if letter in kinds), "H")
        reference = document.get("O-3.1") or document.get("O-4.1") or document.get("Q-3.2") or document.get("Q-3.1")
        return Summary(
            control_id=document.get("H-3"),
            type=f"ASTM^{kind}",
            patient=document.get("P-3.1") or document.get("P-4.1") or document.get("P-5.1"),
            reference=reference.strip(),
            event_at=moment(document.get("H-14")) or moment(document.get("R-13")),
            charset=document.charset,
        )
    except DocumentProblem as problem:
        return Summary(problem=problem.reason)


def _kinds(text: bytes) -> str:
    return "".join(record[:1].decode("latin-1") for record in re.split(rb"[\r\n]+", text) if record)


def _problem(kinds: str) -> str:
    if len(kinds) > MOST_RECORDS:
        return f"一条消息有 {len(kinds)} 条记录，超过 {MOST_RECORDS}。"
    if not kinds.endswith("L"):
        return "ASTM 消息没有 L 记录（结束记录），可能不完整。"
    if (strange := next((letter for letter in kinds if letter.encode("latin-1") not in _KNOWN), "")) != "":
        return f"ASTM 消息里有不认识的记录“{strange}”。" if strange.isprintable() else "ASTM 消息里有不认识的记录。"
    return ""


def moment(text: str) -> datetime | None:
    """YYYYMMDD[HHMM[SS]] in the hospital's time."""
    digits = text.strip()
    for size, form in ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M"), (8, "%Y%m%d")):
        if len(digits) == size and digits.isdigit():
            try:
                return datetime.strptime(digits, form).replace(tzinfo=_SHANGHAI)
            except ValueError:
                return None
    return None
