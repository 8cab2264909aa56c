"""Two files nobody has described → how they could be reconciled: which columns are the same number, which the amounts.

Columns are held against each other by their values, on a sample that takes the same values on both sides; names only
break ties.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from . import sql
from .outcome import BadInput
from .readers.stage import FIRST, LINE
from .spec import Column, Side, Type
from .tables import Book, Source, bring

SAMPLE = 200_000  # rows a side
_MONEY = (
    "金额",
    "总额",
    "费用",
    "支付",
    "应付",
    "实付",
    "合计",
    "amt",
    "amount",
    "fee",
    "pay",
    "total",
    "money",
    "je",
    "sum",
)
_MAIN = ("总额", "总金额", "medfee_sumamt", "订单金额", "合计", "total", "amount", "金额", "zje")
_NUMBERS = ("setl_id", "结算id", "结算号", "商户订单号", "订单号", "流水号", "单号", "编号", "_id", "_no", "id", "号")
_GROUPS = ("险种", "insutype", "清算类别", "clr_type", "类型", "类别", "渠道", "type")
_MOST_GROUPS = 60


@dataclass(frozen=True, slots=True)
class Match:
    """A column of the left and one of the right that hold the same. share: of the rows that were compared, 0 to 1.
    field: its name in the proposed spec."""

    left: str
    right: str
    share: float
    type: Type
    field: str

    @property
    def title(self) -> str:
        return self.left if self.left == self.right else f"{self.left} = {self.right}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """keys, amounts: best first; the first of each is what `document` uses. others: further columns that agree.
    notes: what the readers passed over."""

    keys: tuple[Match, ...]
    amounts: tuple[Match, ...]
    times: tuple[Match, ...]
    groups: tuple[Match, ...]
    others: tuple[Match, ...]
    left_columns: tuple[str, ...]
    right_columns: tuple[str, ...]
    left_rows: int
    right_rows: int
    notes: tuple[str, ...] = ()
    titles: tuple[str, str] = ("左侧", "右侧")

    def document(
        self,
        *,
        code: str = "files",
        title: str = "两个文件",
        keys: Sequence[Match] | None = None,
        amount: Match | None = None,
        day: Match | None = None,
        groups: Sequence[Match] | None = None,
        tolerance: str = "",
        cap: str = "",
    ) -> dict[str, Any]:
        """A spec's document. Each key is tried after the one before it. Raises BadInput without key or amount."""
        chosen = list(keys if keys is not None else self.keys[:2])
        main = amount or (self.amounts[0] if self.amounts else None)
        if not chosen:
            raise BadInput("两个文件里没有找到相同的编号列，请指定用哪一列对（--key 左列=右列）。")
        if main is None:
            raise BadInput("两个文件里没有找到相同的金额列，请指定金额列（--amount 左列=右列）。")
        grouped = list(groups if groups is not None else self.groups)
        day = day or (self.times[0] if self.times else None)
        used = {
            m.field: m
            for m in [*chosen, main, *self.amounts, *self.times, *grouped, *self.others, *([day] if day else [])]
        }
        return {
            "code": code,
            "title": title,
            "sides": [
                {"name": side, "title": name, "fields": {f: getattr(m, side) for f, m in used.items()}}
                for side, name in zip(("left", "right"), self.titles, strict=True)
            ],
            "fields": {f: {"title": m.title, "type": m.type} for f, m in used.items()},
            "keys": [{"fields": [m.field]} for m in chosen],
            "amount": main.field,
            "compare": _compared(main, [m for m in [*self.amounts, *self.others] if m.field != main.field], tolerance, cap),
            **({"day": day.field} if day else {}),
            **({"groups": [m.field for m in grouped]} if grouped else {}),
            "net": [[chosen[0].field]],
        }  # fmt: skip


def _compared(main: Match, rest: Sequence[Match], tolerance: str, cap: str) -> list[Any]:
    if not tolerance:
        return [m.field for m in (main, *rest)]
    limits = {"tolerance": tolerance, **({"cap": cap} if cap else {})}
    return [{"field": m.field, **limits} if m.type == "money" else m.field for m in (main, *rest)]


def propose(left: Source, right: Source, workdir: Path, titles: tuple[str, str] = ("左侧", "右侧")) -> Proposal:
    """Raises BadInput where a file cannot be read."""
    workdir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("SET threads = 2; SET enable_progress_bar = false; SET memory_limit = '1GB'")
        con.execute(f"SET temp_directory = {sql.text(str(workdir / 'spill'))}")
        books = [
            bring(con, Side(name, title, {}, {}), source, workdir)
            for name, title, source in (("left", titles[0], left), ("right", titles[1], right))
        ]
        return _Proposer(con, books[0], books[1]).go(titles)


class _Proposer:
    def __init__(self, con: duckdb.DuckDBPyConnection, left: Book, right: Book) -> None:
        self.con, self.books = con, (left, right)
        self.columns = tuple([c for c in book.types if c not in {FIRST, LINE}] for book in self.books)
        self.kinds: list[dict[str, Type]] = [{}, {}]
        self.distinct: list[dict[str, int]] = [{}, {}]

    def go(self, titles: tuple[str, str]) -> Proposal:
        for side in (0, 1):
            self._profile(side)
        keys = self._keys()
        same = self._agreeing(keys[0]) if keys else []
        amounts = sorted((m for m in same if m.type == "money"), key=self._main)
        times = [m for m in same if m.type == "time"]
        key_columns = {m.left for m in keys}
        texts = [m for m in same if m.type == "text" and m.left not in key_columns]
        groups = [m for m in texts if self.distinct[0][m.left] <= _MOST_GROUPS and _hint(m, _GROUPS)]
        others = [m for m in texts if m not in groups]
        return Proposal(
            tuple(keys), tuple(amounts), tuple(times), tuple(groups[:3]), tuple(others), tuple(self.columns[0]),
            tuple(self.columns[1]), self.books[0].rows, self.books[1].rows, self.books[0].notes + self.books[1].notes, titles,
        )  # fmt: skip

    def _exact(self, side: int, column: str, kind: Type) -> str:
        return sql.exact(Column(column), self.books[side].types, kind, 2, 8)

    def _profile(self, side: int) -> None:
        """What each column seems to hold, and how many different values."""
        parts = []
        for column in self.columns[side]:
            text, source = self._exact(side, column, "text"), sql.name(column)
            parts += [
                f"count({text})", f"count({self._exact(side, column, 'money')})",
                f"count({self._exact(side, column, 'time')})" if self._timely(side, column) else "0",
                f"approx_count_distinct({text})", f"count(*) FILTER (contains({source}::VARCHAR, '.'))",
                f"coalesce(max(length({text})), 0)",
            ]  # fmt: skip
        row = self.con.execute(
            f"SELECT {', '.join(parts)} FROM (FROM {self.books[side].scan()} LIMIT {SAMPLE})"
        ).fetchone()
        assert row is not None
        for i, column in enumerate(self.columns[side]):
            known, money, time, distinct, dotted, longest = row[6 * i : 6 * i + 6]
            self.distinct[side][column] = distinct
            self.kinds[side][column] = self._kind(side, column, known, money, time, dotted, longest)

    def _timely(self, side: int, column: str) -> bool:
        return self.books[side].types[column].startswith(("TIMESTAMP", "DATE", "VARCHAR"))

    def _kind(self, side: int, column: str, known: int, money: int, time: int, dotted: int, longest: int) -> Type:
        stored = self.books[side].types[column]
        if stored.startswith(("TIMESTAMP", "DATE")) or (
            known and time >= 0.95 * known and longest >= 8 and money < 0.5 * known
        ):
            return "time"
        named = any(word in column.lower() for word in _MONEY)
        if stored.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
            return "money"
        if (
            known
            and money >= 0.95 * known
            and longest <= 15
            and (dotted >= 0.3 * known or (named and not column.lower().endswith("_id")))
        ):
            return "money"
        return (
            "time"
            if known and time >= 0.95 * known and any(w in column.lower() for w in ("时间", "日期", "time", "date"))
            else "text"
        )

    def _keys(self) -> list[Match]:
        """Text columns whose values are many and are on both sides; the most telling first."""
        sides = []
        for side in (0, 1):
            parts = [
                f"SELECT {i} AS c, hash({self._exact(side, c, 'text')}) AS h FROM {self.books[side].scan()}"
                f" WHERE {self._exact(side, c, 'text')} IS NOT NULL"
                for i, c in enumerate(self.columns[side])
                if self.kinds[side][c] == "text" and self.distinct[side][c] > 1
            ]
            if not parts:
                return []
            sides.append(f"(SELECT DISTINCT c, h FROM ({' UNION ALL '.join(parts)}) WHERE h % {self._thin()} = 0)")
        rows = self.con.execute(
            f"SELECT l.c, r.c, count(*) FROM {sides[0]} l JOIN {sides[1]} r USING (h) GROUP BY ALL"
        ).fetchall()
        totals = [dict(self.con.execute(f"SELECT c, count(*) FROM {side} GROUP BY c").fetchall()) for side in sides]
        found = []
        for i, j, both in rows:
            left, right = self.columns[0][i], self.columns[1][j]
            share = both / max(1, min(totals[0][i], totals[1][j]))
            spread = min(
                self.distinct[0][left] / max(1, self._sampled(0)), self.distinct[1][right] / max(1, self._sampled(1))
            )
            if share >= 0.3 and spread >= 0.3:
                match = Match(left, right, round(share, 4), "text", _field(left, right, "text", 100 * i + j))
                found.append(
                    (-round(min(1.0, spread) * share, 1), left != right, _rank(match, _NUMBERS), match.title, match)
                )
        out: list[Match] = []
        for *_order, match in sorted(found, key=lambda f: f[:4]):
            if all(match.left != m.left and match.right != m.right for m in out):
                out.append(match)
        return out[:3]

    def _thin(self) -> int:
        return max(1, max(book.rows for book in self.books) // SAMPLE)

    def _sampled(self, side: int) -> int:
        return min(self.books[side].rows, SAMPLE)

    def _agreeing(self, key: Match) -> list[Match]:
        """Columns that hold the same in rows of the same number, each column once, the best pairs first."""
        sides = []
        for side, column in ((0, key.left), (1, key.right)):
            picked = [f"{self._exact(side, c, self.kinds[side][c])} AS c{i}" for i, c in enumerate(self.columns[side])]
            sides.append(
                f"(SELECT {self._exact(side, column, 'text')} AS k, {', '.join(picked)} FROM {self.books[side].scan()}"
                f" WHERE hash({self._exact(side, column, 'text')}) % {self._thin()} = 0)"
            )
        pairs = [
            (i, j, left, right)
            for i, left in enumerate(self.columns[0])
            for j, right in enumerate(self.columns[1])
            if self.kinds[0][left] == self.kinds[1][right] and left != key.left and right != key.right
        ]
        if not pairs:
            return []
        tests = ", ".join(f"avg(CASE WHEN {self._same(i, j, left)} THEN 1.0 ELSE 0 END)" for i, j, left, _ in pairs)
        row = self.con.execute(f"SELECT {tests} FROM {sides[0]} l JOIN {sides[1]} r USING (k)").fetchone()
        assert row is not None
        ranked = sorted(
            ((share or 0.0, *pair) for share, pair in zip(row, pairs, strict=True)),
            key=lambda f: (-round(f[0], 2), f[3] != f[4], f[1], f[2]),
        )
        out: list[Match] = []
        for share, i, j, left, right in ranked:
            if share >= 0.8 and all(left != m.left and right != m.right for m in out):
                kind = self.kinds[0][left]
                out.append(Match(left, right, round(share, 4), kind, _field(left, right, kind, 100 * i + j)))
        return out

    def _same(self, i: int, j: int, left: str) -> str:
        if self.kinds[0][left] == "time":
            return f"l.c{i} // {sql.US_PER_DAY} = r.c{j} // {sql.US_PER_DAY}"
        return f"l.c{i} = r.c{j}"

    def _main(self, match: Match) -> tuple[int, int]:
        return _rank(match, _MAIN), self.columns[0].index(match.left)


def _hint(match: Match, words: Sequence[str]) -> bool:
    return any(word in match.left.lower() or word in match.right.lower() for word in words)


def _rank(match: Match, words: Sequence[str]) -> int:
    return next((i for i, w in enumerate(words) if w in match.left.lower() or w in match.right.lower()), len(words))


def _field(left: str, right: str, kind: Type, number: int) -> str:
    """A column's own name where it can be a field's, else a made one that stays while the files keep their columns."""
    for name in (left, right):
        if re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name.lower()):
            return name.lower()
    return f"{kind}_{number}"


def chosen(proposal: Proposal, kind: Type, text: str) -> Match:
    """What a person names: "COLUMN" or "LEFT=RIGHT". Raises BadInput for a column that is not there."""
    left, _, right = text.partition("=")
    left, right = left.strip(), (right or left).strip()
    for column, columns, title in (
        (left, proposal.left_columns, proposal.titles[0]),
        (right, proposal.right_columns, proposal.titles[1]),
    ):
        if column not in columns:
            raise BadInput(f"{title}没有列“{column}”，有的是：{'、'.join(columns)}。")
    known: Mapping[tuple[str, str], Match] = {
        (m.left, m.right): m
        for m in [*proposal.keys, *proposal.amounts, *proposal.times, *proposal.groups, *proposal.others]
    }
    if (left, right) in known and known[left, right].type == kind:
        return known[left, right]
    number = 100 * proposal.left_columns.index(left) + proposal.right_columns.index(right)
    return Match(left, right, 0.0, kind, _field(left, right, kind, number))
