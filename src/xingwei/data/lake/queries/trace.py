"""Rows of a dataset as pages may show them, and what the source has for such a row now."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from xingwei.base.connections.engine.statements import DIALECTS
from xingwei.base.connections.queries import ConnectionProblem, opened

from .. import models, session, writing
from ..engine import mapping as maps
from ..engine.compile import Misunderstood
from ..engine.datasets import ROW, SOURCE, Dataset, Field, datasets
from ..engine.lineage import rows_behind
from ..stage import Stage, StageProblem

MOST = 100
MEMORY_MB = 384


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is shown. source: what the source has for it now, where it is another."""

    field: Field
    value: str
    source: str | None = None


class NotFound(Exception):
    """There is no such row; the text is Chinese."""


def rows(
    dataset: Dataset, day: dt.date | None, *, key: str = "", after: str = ""
) -> tuple[list[str], list[dict[str, Any]], str]:
    """Names and masked rows of a day, at most MOST in the order of their source keys, and where the next begin.

    key: the source key (JSON) of one row.
    """
    since, until = (day, day) if day else (session.FIRST, session.LAST)
    with session.opened(memory_mb=MEMORY_MB, threads=1, since=since, until=until) as lake:
        where = [f"{ROW} = $key"] if key else []
        where += [f"{ROW} > $after"] if after else []
        params = {n: v for n, v in (("key", key), ("after", after)) if v}
        names = [SOURCE, ROW, *dataset.names]
        text = f'SELECT {", ".join(names)} FROM "{dataset.code}"'  # noqa: S608 - own names
        text += f" WHERE {' AND '.join(where)}" if where else ""
        found = lake.sql(f"{text} ORDER BY {ROW}, {SOURCE} LIMIT {MOST + 1}", params).fetchall()
    listed = [dict(zip(names, row, strict=True)) for row in found]
    after = str(listed[MOST - 1][ROW]) if len(listed) > MOST else ""
    return list(dataset.names), [masked(dataset, r) for r in listed[:MOST]], after


def behind(
    text: str, group: Mapping[str, Any] | None = None, *, limit: int = 200
) -> tuple[list[str], list[dict[str, Any]]]:
    """The masked rows of which a number is made. Raises Misunderstood."""
    query = rows_behind(text, group, limit=limit)
    with session.opened(memory_mb=MEMORY_MB, threads=1) as lake:
        answer = lake.sql(query)
        names = list(answer.columns)
        found = answer.fetchall()
    from ..engine.compile import read, tables

    dataset = datasets()[tables(read(text))[0]]
    return names, [masked(dataset, dict(zip(names, row, strict=True))) for row in found]


def compared(mapping: models.Mapping, day: dt.date | None, key: str) -> list[Cell]:
    """One row field by field, with what the source would give now. Raises NotFound and ConnectionProblem."""
    dataset = mapping.canonical
    since, until = (day, day) if day else (session.FIRST, session.LAST)
    with session.opened(memory_mb=MEMORY_MB, threads=1, since=since, until=until) as lake:
        chosen = ", ".join(f'"{n}"' for n in dataset.names)
        text = f'SELECT {chosen} FROM "{dataset.code}" WHERE {ROW} = $key AND {SOURCE} = $source'  # noqa: S608
        found = lake.sql(text, {"key": key, "source": mapping.code}).fetchall()
    if not found:
        raise NotFound("数据湖里没有这一行，可能已被新的抽取替换。")
    now = from_source(mapping, key)
    was = dict(zip(dataset.names, found[0], strict=True))
    cells = []
    for f in dataset.fields:
        here = shown(f, was[f.name])
        there = shown(f, now[f.name]) if now is not None else "（业务库里已没有这一行）"
        cells.append(Cell(f, here, there if now is None or now[f.name] != was[f.name] else None))
    return cells


def from_source(mapping: models.Mapping, key: str) -> dict[str, Any] | None:
    """The row as the mapping makes it of the source's present one; None where it is gone. Raises ConnectionProblem."""
    spec = maps.parse(mapping.document)
    values = _key(spec, key)
    try:
        with opened(mapping.connection.code, any_time=True) as reader:
            texts = maps.statements(spec, DIALECTS[reader.kind])
            batches: Iterator[list[tuple[Any, ...]]] = reader.rows(texts["row"], values, batch=10)
            with session.engine(memory_mb=MEMORY_MB, threads=1) as db:
                stage = Stage(db, list(spec.columns))
                for batch in batches:
                    stage.add(batch)
                if not stage.rows:
                    return None
                writing.transform(stage, spec)
                names = [f.name for f in spec.dataset.fields]
                quoted = ", ".join(f'"{n}"' for n in names)
                row = db.execute(f"SELECT {quoted} FROM {writing.TABLE} LIMIT 1").fetchall()[0]  # noqa: S608
                return dict(zip(names, row, strict=True))
    except (StageProblem, writing.UnreadableValue, duckdb.Error) as error:
        raise ConnectionProblem(f"源行读到了，但按映射算不出来：{error}") from None


def _key(spec: maps.Spec, key: str) -> dict[str, Any]:
    try:
        found = json.loads(key)
        return {f"key{at}": found[name.rpartition(".")[2].lower()] for at, name in enumerate(spec.key)}
    except (ValueError, KeyError, TypeError):
        raise ConnectionProblem("这不是这个映射的行号。") from None


def masked(dataset: Dataset, row: Mapping[str, Any]) -> dict[str, Any]:
    known = {f.name: f for f in dataset.fields}
    return {n: shown(known[n], v) if n in known else v for n, v in row.items()}


def shown(f: Field, value: Any) -> str:
    """A value on a page: codes by their words, moments in Shanghai, what identifies a person masked."""
    if value is None:
        return "—"
    if f.personal:
        text = str(value)
        return f"{text[:2]}{'*' * max(2, len(text) - 4)}{text[-2:]}" if len(text) > 4 else "****"
    if f.type == "code" and f.code_list:
        return f.code_list.values.get(str(value), f"{value}（对照表里没有）")
    if f.type == "bool":
        return "是" if value else "否"
    if isinstance(value, dt.datetime):
        from django.utils import timezone

        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    if f.type == "money":
        return f"{value:,.2f}"
    return str(value)


__all__ = ["Cell", "Misunderstood", "NotFound", "behind", "compared", "from_source", "rows"]
