"""SQL text of the engine: quoting, and columns of a side → values of fields. Pure.

A field has two readings of a column: `digest`, which is cheap and may call equal values different (they are then looked
at exactly), and `exact`, on which everything is decided.
"""

from __future__ import annotations

from collections.abc import Mapping

from .spec import Column, Type

US_PER_DAY = 86_400_000_000
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y%m%d", "%Y/%m/%d",
          "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M")  # fmt: skip
_WIDE, _NARROW = "０１２３４５６７８９．－＋，￥", "0123456789.-+,¥"


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def texts(values: tuple[str, ...] | list[str]) -> str:
    return ", ".join(text(value) for value in values)


def source_column(column: Column, types: Mapping[str, str]) -> str:
    """The column as it stands, or NULL where the side has none of that name."""
    if column.constant is not None:
        return text(column.constant)
    return name(column.column) if column.column in types else "NULL::VARCHAR"


def type_of(column: Column, types: Mapping[str, str]) -> str:
    return "VARCHAR" if column.constant is not None else types.get(column.column, "VARCHAR")


def exact(column: Column, types: Mapping[str, str], kind: Type, scale: int, zone_hours: float) -> str:
    """text → trimmed, empty as NULL; money → minor units; date → days since 1970; time → microseconds, local."""
    source, stored = source_column(column, types), type_of(column, types)
    if kind == "money":
        made = money(source, stored, scale, column.unit == "fen")
        return f"-({made})" if column.negate else made
    if kind == "integer":
        return f"try_cast({_digits(source) if stored == 'VARCHAR' else source} AS BIGINT)"
    if kind == "time":
        return moment(source, stored, zone_hours)
    if kind == "date":
        return f"({moment(source, stored, zone_hours)} // {US_PER_DAY})::INTEGER"
    return _codes(_text(source, stored), column.codes)


def digest(column: Column, types: Mapping[str, str], kind: Type, scale: int, zone_hours: float, other: str) -> str:
    """other: the type that the other side's column has."""
    stored = type_of(column, types)
    as_it_stands = stored == other and not column.codes and column.unit == "yuan" and not column.negate
    if as_it_stands and not (kind in {"date", "integer"} and stored == "VARCHAR"):
        return source_column(column, types)
    return exact(column, types, kind, scale, zone_hours)


def money(source: str, stored: str, scale: int, fen: bool) -> str:
    """Minor units, NULL where it is no amount or has digits beyond the scale."""
    factor = 10 ** (scale - 2 if fen else scale)
    if stored in {"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER"}:
        return f"({source}::BIGINT * {factor})"
    if stored.startswith("DECIMAL"):
        digits = int(stored.rstrip(")").split(",")[1])
        if digits <= scale and not fen:
            return f"({source} * {factor})::BIGINT"
        return _whole(f"{source}::DECIMAL(24,6) * {factor}")
    if stored in {"DOUBLE", "FLOAT"}:
        return f"CASE WHEN abs({source} * {factor} - round({source} * {factor})) < 0.001 THEN round({source} * {factor})::BIGINT END"
    return _whole(f"try_cast({_digits(source)} AS DECIMAL(24,6)) * {factor}")


def _whole(amount: str) -> str:
    return f"CASE WHEN ({amount}) = trunc({amount}) THEN ({amount})::BIGINT END"


def _digits(source: str) -> str:
    plain = f"translate(trim({source}::VARCHAR), {text(_WIDE)}, {text(_NARROW)})"
    return f"nullif(replace(replace(replace({plain}, ',', ''), '¥', ''), ' ', ''), '')"


def moment(source: str, stored: str, zone_hours: float) -> str:
    if stored == "TIMESTAMP WITH TIME ZONE":
        return f"(epoch_us({source}) + {int(zone_hours * 3_600_000_000)})"
    if stored.startswith("TIMESTAMP") or stored == "DATE":
        return f"epoch_us({source}::TIMESTAMP)"
    if stored in {"BIGINT", "INTEGER"}:
        return moment(f"{source}::VARCHAR", "VARCHAR", zone_hours)
    formats = texts(list(_TIMES))
    return f"epoch_us(coalesce(try_cast({source} AS TIMESTAMP), try_strptime(trim({source}), [{formats}])))"


def _text(source: str, stored: str) -> str:
    if stored in {"DOUBLE", "FLOAT"}:
        return f"CASE WHEN {source} = trunc({source}) THEN {source}::HUGEINT::VARCHAR ELSE {source}::VARCHAR END"
    return f"nullif(trim({source}::VARCHAR), '')"


def _codes(source: str, codes: Mapping[str, str] | None) -> str:
    if not codes:
        return source
    cases = " ".join(f"WHEN {text(seen)} THEN {text(meant)}" for seen, meant in codes.items())
    return f"CASE {source} {cases} ELSE {source} END"


def joined(values: list[str]) -> str:
    """One text of several values that is equal only where all are; NULL where one is."""
    if len(values) == 1:
        return f"({values[0]})::VARCHAR"
    return "(" + " || chr(31) || ".join(f"({value})::VARCHAR" for value in values) + ")"


def known(values: list[str]) -> str:
    """As `joined`, with a mark in the place of NULL."""
    return "(" + " || chr(31) || ".join(f"coalesce(({value})::VARCHAR, chr(30))" for value in values) + ")"
