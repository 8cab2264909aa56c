"""Amounts, names and numbers as pages write them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

MINUS = "−"
PERSONAL = frozenset({
    "psn_no", "patient_id", "certno", "psn_name", "name", "brid", "xm", "sfzh", "patient", "mdtrt_cert_no", "phone",
    "姓名", "身份证", "身份证号", "患者", "患者号", "人员编号", "证件号码", "手机", "手机号", "卡号",
})  # fmt: skip


def yuan(amount: Decimal | None) -> str:
    """1,286,413.77; "—" for none."""
    return "—" if amount is None else f"{amount:,.2f}".replace("-", MINUS)


def signed_yuan(amount: Decimal | None) -> str:
    """+486.20, −96.00, 0.00."""
    if amount is None:
        return "—"
    return f"{'+' if amount > 0 else ''}{yuan(amount)}"


def masked(text: Any) -> str:
    """张*兰, 3…0417: enough to find the paper by, too little to know the person by."""
    said = str(text or "")
    if not said:
        return "—"
    if len(said) <= 1:
        return "*"
    if len(said) <= 4:
        return said[0] + "*" * max(1, len(said) - 2) + (said[-1] if len(said) > 2 else "")
    return f"{said[0]}…{said[-4:]}"


def shown(name: str, value: Any) -> str:
    """A field of a row of proof, covered where it is a person's."""
    if value is None or value == "":
        return "—"
    if name.lower() in PERSONAL or name in PERSONAL:
        return masked(value)
    if isinstance(value, Decimal):
        return yuan(value)
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)[:200]


def short_id(text: str) -> str:
    """…0317161902-0417 for a message number; others as they are, cut in front."""
    if len(text) == 30 and text[12:].isdigit():
        return f"…{text[16:26]}-{text[26:]}"
    return f"…{text[-16:]}" if len(text) > 20 else text


def weekday(day: dt.date) -> str:
    return "周" + "一二三四五六日"[day.weekday()]


def period(since: dt.date, until: dt.date) -> str:
    return f"{until:%Y-%m-%d}（{weekday(until)}）" if since == until else f"{since:%Y-%m-%d} 至 {until:%m-%d}"


def plain(value: Any) -> Any:
    """For JSON columns: decimals and times as text, as exact as they are."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return value
