"""A chain in memory, with everything that someone with all rights on the database could do to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from xingwei.base.journal.engine.canonical import EntryFields, encode
from xingwei.base.journal.engine.chain import Row, Verdict, Verifier, link
from xingwei.base.journal.engine.heads import MARK, ZERO, Head, sign
from xingwei.base.journal.engine.witness import gather, judge
from xingwei.base.runtime.crypto import Signer

START = dt.datetime(2026, 3, 18, 1, 0, tzinfo=dt.UTC)


def entry(n: int, **changes: Any) -> EntryFields:
    fields = {
        "id": n,
        "at": START + dt.timedelta(seconds=n),
        "actor_id": n % 7 or None,
        "actor_name": "刘工",
        "organisation": "运维公司",
        "address": "10.0.0.8",
        "via": "page",
        "act": "desk.case.accept",
        "target_type": "desk.case",
        "target_id": str(n),
        "target_label": f"2603-{n}",
        "summary": f"受理 2603-{n}",
        "before": None,
        "after": '{"state": "accepted"}' if n % 2 else None,
    }
    return EntryFields(**(fields | changes))


class Chain:
    """entries, seals and heads as the tables hold them; `outside` is what was exported in time."""

    def __init__(self, signer: Signer, length: int, spans: list[int] | None = None) -> None:
        self.signer = signer
        self.entries: dict[int, bytes] = {}
        self.seals: dict[int, tuple[int, bytes, bytes]] = {}
        self.heads: list[Head] = []
        self.outside: list[Head] = []
        self._running = ZERO
        for n in range(1, length + 1):
            self.append(entry(n))
        self.sign_heads(spans or [length])

    def append(self, fields: EntryFields) -> None:
        body = encode(fields)
        (hash_,) = link(self._running, [body])
        self.entries[fields.id] = body
        self.seals[len(self.seals) + 1] = (fields.id, self._running, hash_)
        self._running = hash_

    def sign_heads(self, spans: list[int], signer: Signer | None = None) -> None:
        at = self.heads[-1].seq if self.heads else 0
        for span in spans:
            seqs = range(at + 1, min(at + span, len(self.seals)) + 1)
            if not seqs:
                return
            at = seqs[-1]
            head = Head(
                seq=at,
                hash=self.seals[at][2],
                at=START + dt.timedelta(seconds=at + 5),
                prev=self.heads[-1].digest() if self.heads else ZERO,
                marks=b"".join(self.seals[s][2][:MARK] for s in seqs),
            )
            self.heads.append(sign(head, signer or self.signer))

    def rows(self) -> Iterator[Row]:
        for seq in sorted(self.seals):
            entry_id, prev, hash_ = self.seals[seq]
            yield Row(seq, entry_id, prev, hash_, self.entries.get(entry_id))

    def after(self, hash_: bytes) -> int | None:
        return next((s for s in sorted(self.seals) if self.seals[s][1] == hash_), None)

    def having(self, hash_: bytes) -> int | None:
        return next((s for s in sorted(self.seals) if self.seals[s][2] == hash_), None)

    def verify(self, keys: dict[str, bytes] | None = None) -> Verdict:
        known = keys or {self.signer.key_id: self.signer.public_key}
        witness = gather(self.heads, self.outside, known)
        verifier = Verifier(witness.heads, self, start=witness.start)
        verifier.feed(self.rows())
        return judge(verifier.verdict(), witness.trouble)

    # what a superuser does

    def remove(self, seq: int, *, renumber: bool = False) -> None:
        entry_id, _, _ = self.seals.pop(seq)
        self.entries.pop(entry_id, None)
        if renumber:
            self.seals = {s - (s > seq): v for s, v in self.seals.items()}

    def insert(self, seq: int, fields: EntryFields, *, linked: bool = True) -> None:
        """A forged row before the one that has the number; linked to its predecessor, or to nothing."""
        body = encode(fields)
        prev = (self.seals[seq - 1][2] if seq > 1 else ZERO) if linked else b"\x07" * 32
        (hash_,) = link(prev, [body])
        self.entries[fields.id] = body
        self.seals = {s + (s >= seq): v for s, v in self.seals.items()}
        self.seals[seq] = (fields.id, prev, hash_)

    def rebuild(self, start: int = 1) -> None:
        """Compute all numbers and hashes anew from a row on; the heads stay."""
        kept = {s: v for s, v in self.seals.items() if s < start}
        running = kept[start - 1][2] if start - 1 in kept else self.seals[start][1] if start > 1 else ZERO
        for seq, old in enumerate((self.seals[s] for s in sorted(self.seals) if s >= start), start=start):
            (hash_,) = link(running, [self.entries[old[0]]])
            kept[seq] = (old[0], running, hash_)
            running = hash_
        self.seals = kept
