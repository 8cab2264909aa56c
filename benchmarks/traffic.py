"""Messages by the million: thirty days of a hospital's interfaces, written with COPY.

Bodies are short reports over a vocabulary with common, middling and rare words; each has numbers of its own. The
indexes are made after the rows, as they stand in the migrations. What the product's text index would hold is composed
from the words' own numbers, and compared with the product's answer on a sample.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any
from zlib import crc32

from .frame import Database
from .texts import name as person_name

MADE = 1  # raise it where the rows are made otherwise
DAYS = 30
LAST = dt.datetime(2026, 11, 24, 16, tzinfo=dt.UTC)  # midnight in Shanghai
FIRST = LAST - dt.timedelta(days=DAYS)
CHANNELS = (
    ("dev-cbc", "ORU^R01", 6), ("dev-chem1", "ORU^R01", 8), ("dev-chem2", "ORU^R01", 8), ("his-adt", "ADT^A04", 20),
    ("his-adt", "ADT^A08", 12), ("cis-orders", "OML^O21", 14), ("cis-orders", "OMP^O09", 10), ("lis-report", "ORU^R01", 16),
    ("pacs-report", "ORU^R01", 5), ("his-adt", "ADT^A40", 0.002),
)  # fmt: skip
COMMON = ("未见明显异常", "血常规五分类", "请结合临床", "门诊", "内科")
MIDDLE = ("双肺纹理增多", "肝功能八项", "前列腺增生", "凝血四项", "窦性心律")
RARE = ("嗜铬细胞瘤", "主动脉夹层", "重症肌无力", "类白血病反应")
TYPES = sorted({t for _, t, _ in CHANNELS})
PATIENTS = 400_000
_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Plan:
    rows: int
    seed: int = 7


def digest_of(plan: Plan) -> str:
    """What the data depend on, besides the tables: how many, how they are made, and what the product indexes of them."""
    from xingwei.operations.gateway.engine import text

    sample = text.numbers(_body(control(1), patient(2), barcode(3), "欧阳兰", " ".join(COMMON + MIDDLE), TYPES[0]))
    return hashlib.sha256(repr((plan, MADE, CHANNELS, sample)).encode()).hexdigest()


def patient(n: int) -> str:
    return f"P{n:08d}"


def control(n: int) -> str:
    return f"C{n:010d}"


def barcode(n: int) -> str:
    return f"26{n:09d}"


class _Bodies:
    """Texts in a few thousand kinds, and for each what the text index would hold of it."""

    def __init__(self, random: Random, most: int = 4_000) -> None:
        from xingwei.operations.gateway.engine import text

        self.kinds: list[tuple[str, str]] = []
        for _ in range(most):
            words = random.sample(COMMON, 2)
            words += [random.choice(MIDDLE)] if random.random() < 0.01 else []
            words += [random.choice(RARE)] if random.random() < 0.0008 else []
            name = person_name(random)
            self.kinds.append((name, " ".join(words)))
        rare = [(person_name(random), f"{random.choice(COMMON)} {word}") for word in RARE]
        self.rare = len(self.kinds)
        self.kinds += rare
        self.numbers = [text.numbers(_body("", "", "", *kind, "")) for kind in self.kinds]

    def pick(self, random: Random) -> int:
        if random.random() < 2e-5:
            return self.rare + random.randrange(len(RARE))
        return int(random.random() * self.rare)


def _body(control_id: str, patient_id: str, code: str, name: str, words: str, type_: str) -> str:
    return f"MSH|^~\\&|LIS|GY|ESB|GY|||{type_}|{control_id}|P|2.4\rPID|1||{patient_id}||{name}\rOBR|1||{code}\rNTE|1||{words}\r"


def load(database: Database, plan: Plan, channels: dict[str, int], progress: Callable[[int], None]) -> None:
    random = Random(plan.seed)
    bodies = _Bodies(random)
    _check(bodies)
    with database.connect() as db:
        db.execute("SET synchronous_commit = off")
        db.execute("SET maintenance_work_mem = '1GB'")
        db.execute("SET max_parallel_maintenance_workers = 0")
        indexes = _drop_indexes(db)
        first, last = (FIRST + dt.timedelta(hours=8)).date(), (LAST + dt.timedelta(hours=8)).date()
        db.execute("SELECT gateway_make_partitions(%s, %s)", [first, last])
        db.execute("SELECT gateway_make_text_partitions(%s, %s)", [first, last])
        for start in range(0, plan.rows, _BLOCK):
            rows = list(_rows(range(start, min(start + _BLOCK, plan.rows)), plan, random, bodies, channels))
            _copy(
                db,
                "gateway_message (id, received_at, channel_id, state, control_id, type, key, patient, reference, size, "
                "digest, raw, problem, targets)",
                (m for m, _ in rows),
            )
            _copy(db, "gateway_text (received_at, message_id, channel_id, grams)", (t for _, t in rows))
            progress(start + len(rows))
        for definition in indexes:
            db.execute(definition)
        db.execute("INSERT INTO gateway_watermark (name, at) SELECT 'text', %s", [LAST])
        db.execute("ANALYZE gateway_message, gateway_text")


def _rows(
    numbers: range, plan: Plan, random: Random, bodies: _Bodies, channels: dict[str, int]
) -> Iterator[tuple[str, str]]:
    """Lines of COPY for a message and for its text."""
    weights = list(accumulate(w for _, _, w in CHANNELS))
    step = (LAST - FIRST) / plan.rows
    for n in numbers:
        code, type_, _ = CHANNELS[min(bisect(weights, random.random() * weights[-1]), len(CHANNELS) - 1)]
        channel = channels[code]
        at = (FIRST + step * n).strftime("%Y-%m-%d %H:%M:%S.%f+00")
        who, kind = patient(random.randrange(PATIENTS)), bodies.pick(random)
        cid, code_ = control(n), barcode(n)
        name, words = bodies.kinds[kind]
        raw = _body(cid, who, code_, name, words, type_).encode()
        state, problem = ("quarantined", "校验和不符") if random.random() < 0.0005 else ("accepted", "")
        message = f"{n + 1}\t{at}\t{channel}\t{state}\t{cid}\t{type_}\t{who}\t{who}\t{code_}\t{len(raw)}\t\\\\x{'9f' * 32}\t\\\\x{raw.hex()}\t{problem}\t1\n"  # noqa: E501
        own = (cid.lower(), who.lower(), code_, *_words(type_))
        facets = (f"\0type:{type_}", f"\0channel:{channel}")
        grams = {*bodies.numbers[kind], *map(_hash, own), *map(_hash, facets)}
        yield message, f"{at}\t{n + 1}\t{channel}\t{{{','.join(map(str, grams))}}}\n"


def _words(type_: str) -> list[str]:
    return type_.lower().split("^")


def _hash(word: str) -> int:
    value = crc32(word.encode())
    return value - (1 << 32) if value >= 1 << 31 else value


def _check(bodies: _Bodies) -> None:
    """What is composed is what the product would store."""
    from xingwei.operations.gateway.engine import text

    for kind in (0, 17, bodies.rare):
        body = _body(control(5), patient(9), barcode(5), *bodies.kinds[kind], "ORU^R01")
        facets = (f"\0type:{'ORU^R01'}", "\0channel:3")
        own = (control(5).lower(), patient(9).lower(), barcode(5), "oru", "r01")
        made = {*bodies.numbers[kind], *map(_hash, own), *map(_hash, facets)}
        if sorted(made) != text.numbers(body, *text.facets("ORU^R01", 3)):
            raise SystemExit("正文索引的内容与产品算出的不同，测试数据要改")


def _copy(db: Any, into: str, lines: Iterator[str]) -> None:
    with db.cursor().copy(f"COPY {into} FROM STDIN") as copy:
        copy.write("".join(lines))


def _drop_indexes(db: Any) -> list[str]:
    """Drop what is not needed to keep the rows apart; returns how each was made."""
    rows = db.execute(
        """SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
           WHERE i.indrelid IN ('gateway_message'::regclass, 'gateway_text'::regclass) AND NOT i.indisprimary"""
    ).fetchall()
    for name, _ in rows:
        db.execute(f"DROP INDEX {name}")
    return [definition.replace(" ON ONLY ", " ON ") for _, definition in rows]
