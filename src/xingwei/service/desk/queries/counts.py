"""Several capped counts in one round trip: the numbers beside the views of the ledger and on the home page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models

CAP = 1_000


def capped_counts(
    querysets: Mapping[str, models.QuerySet[Any]], cap: int = CAP, caps: Mapping[str, int] | None = None
) -> dict[str, int]:
    """How many rows each has, at most cap + 1: that one means "more than cap". caps: other caps, by key."""
    parts: list[str] = []
    params: list[Any] = []
    keys: list[str] = []
    out = dict.fromkeys(querysets, 0)
    for key, rows in querysets.items():
        try:
            sql, values = rows.order_by().values("pk")[: (caps or {}).get(key, cap) + 1].query.sql_with_params()
        except EmptyResultSet:
            continue  # nothing that this person may see
        keys.append(key)
        parts.append(f"(SELECT count(*) FROM ({sql}) c)")  # noqa: S608 - compiled by Django, values apart
        params.extend(values)
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}", params)
            out.update(zip(keys, cursor.fetchone(), strict=True))
    return out


def counted_at_once(rows: models.QuerySet[Any], conditions: Mapping[str, models.Q], cap: int = CAP) -> dict[str, int]:
    """As capped_counts, of the rows that meet each condition; where the rows are a few hundred, but dear to find."""
    found = rows.order_by().aggregate(**{key: models.Count("pk", filter=where) for key, where in conditions.items()})
    return {key: min(n, cap + 1) for key, n in found.items()}


def count_text(n: int, cap: int = CAP) -> str:
    """ "23", or "1,000+" beyond the cap."""
    return f"{cap:,}+" if n > cap else f"{n:,}"
