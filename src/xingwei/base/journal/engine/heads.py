"""Heads: signed statements "the chain reached this hash at this number, at this time".

Each head names the digest of the head before it, so that one signature vouches for all earlier ones, and
carries the *marks* of its span: the first four bytes of every row's hash since the head before. A chain
that was rebuilt by someone without the key still differs from the marks at its first changed row, which is
how that row can be named.

A head is exported as one line of JSON, keys sorted, without spaces:

    {"at":"2026-11-23T01:02:03.000004Z","hash":HEX,"key":KEYID,"marks":BASE64,"prev":HEX,
     "purged":0,"seq":1000,"sig":BASE64,"v":1}

What is signed is the same line without "sig", after the words "xingwei journal head\\n".
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from xingwei.base.runtime.crypto import Signer, sm2_verify, sm3

EVERY: Final = 1000  # rows that a head covers at most
MARK: Final = 4  # bytes of a row's hash that a head carries
ZERO: Final = bytes(32)
_DOMAIN = b"xingwei journal head\n"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """seq, hash: the last row that it covers. prev: digest of the head before, or ZERO for the first.

    purged: up to which number rows have been removed under the retention rule, 0 for none.
    marks: MARK bytes for each row of its span, which ends at seq.
    """

    seq: int
    hash: bytes
    at: dt.datetime
    prev: bytes
    purged: int = 0
    marks: bytes = b""
    key_id: str = ""
    signature: bytes = b""

    @property
    def first(self) -> int:
        """The number of the first row of its span."""
        return self.seq - len(self.marks) // MARK + 1

    def message(self) -> bytes:
        """The bytes that are signed."""
        return _DOMAIN + _json(self._content())

    def line(self) -> str:
        """One line of the export, without line end."""
        return _json(self._content() | {"sig": _b64(self.signature)}).decode()

    def digest(self) -> bytes:
        """What the next head calls prev: SM3 over message and signature."""
        return sm3(self.message() + b"\n" + self.signature)

    def _content(self) -> dict[str, Any]:
        return {
            "v": 1,
            "seq": self.seq,
            "hash": self.hash.hex(),
            "at": self.at.astimezone(dt.UTC).strftime(_TIME),
            "prev": self.prev.hex(),
            "purged": self.purged,
            "marks": _b64(self.marks),
            "key": self.key_id,
        }


class HeadError(ValueError):
    """A line is not a head; the message is Chinese."""


def sign(head: Head, signer: Signer) -> Head:
    named = replace(head, key_id=signer.key_id)
    return replace(named, signature=signer.sign(named.message()))


def parse(line: str) -> Head:
    """The head of an exported line; raises HeadError. Its signature is not looked at here."""
    try:
        raw = json.loads(line)
        if raw["v"] != 1:
            raise HeadError(f"链头格式版本 {raw['v']} 不认识，请用更新的版本校验。")
        head = Head(
            seq=_whole(raw["seq"]),
            hash=_bytes32(raw["hash"]),
            at=dt.datetime.strptime(raw["at"], _TIME).replace(tzinfo=dt.UTC),
            prev=_bytes32(raw["prev"]),
            purged=_whole(raw["purged"]),
            marks=base64.b64decode(raw["marks"], validate=True),
            key_id=str(raw["key"]),
            signature=base64.b64decode(raw["sig"], validate=True),
        )
    except HeadError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise HeadError("这一行不是导出的链头。") from error
    if len(head.marks) % MARK or head.first < 1:
        raise HeadError("链头的行标记长度不对。")
    return head


@dataclass(frozen=True, slots=True)
class HeadTrouble:
    """The first head that is not as it was signed, as the rows that it leaves without a witness.

    kind: "forged" (no known key signed it) or "missing" (a head before it is gone).
    """

    kind: str
    first: int
    last: int


def trusted(
    heads: Sequence[Head], keys: Mapping[str, bytes], *, complete: bool = True
) -> tuple[list[Head], HeadTrouble | None]:
    """The heads that a known key vouches for, and the first trouble among all of them.

    heads: in the order in which they were signed. keys: key id → public key. complete: they begin with the
    very first head, or with the one up to which rows were purged; False for an export that was cut.
    One signature is checked where all is well: the last one, which covers the others by their digests.
    """
    digests = [h.digest() for h in heads]
    linked = [True] + [h.prev == digests[i] for i, h in enumerate(heads[1:])]
    good = [False] * len(heads)
    for i in range(len(heads) - 1, -1, -1):
        covered = i + 1 < len(heads) and good[i + 1] and linked[i + 1]
        good[i] = covered or _signed(heads[i], keys)
    kept = [h for h, is_good in zip(heads, good, strict=True) if is_good]
    if complete and kept and good[0] and heads[0].prev != ZERO and heads[0].seq != kept[-1].purged:
        return kept, HeadTrouble("missing", 1, max(heads[0].first - 1, 1))
    for i, head in enumerate(heads):
        sure = heads[i - 1].seq if i else 0
        if not good[i]:
            return kept, HeadTrouble("forged", sure + 1, max(head.seq, sure + 1))
        if not linked[i]:
            return kept, HeadTrouble("missing", sure + 1, max(head.first - 1, sure + 1))
    return kept, None


def _signed(head: Head, keys: Mapping[str, bytes]) -> bool:
    key = keys.get(head.key_id)
    return key is not None and sm2_verify(key, head.message(), head.signature)


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise HeadError("链头的序号不对。")
    return value


def _bytes32(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != 32:
        raise HeadError("链头的摘要长度不对。")
    return raw
