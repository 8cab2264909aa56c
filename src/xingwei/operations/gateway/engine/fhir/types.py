"""Data types of HL7 v2 as data types of FHIR R4. Each takes the value of a field (a repetition) and gives the JSON of the
element, or None where there is nothing to say. Numbers keep their digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

V2 = "http://terminology.hl7.org/CodeSystem/v2-"
_STAMP = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)?(\d\d)?(\.\d{1,6})?)?)?)?([+-]\d{4})?")
_NUMBER = re.compile(r"\s*(<=|>=|<|>|≤|≥)?\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_RANGE = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:-|--|~|～|－|to)\s*([+-]?\d+(?:\.\d+)?)\s*")
_COMPARATORS = {"≤": "<=", "≥": ">="}
_OID = re.compile(r"[0-2](?:\.\d+)+")
_URI = re.compile(r"(?:https?|urn):\S+")


class Number(Decimal):
    """Written as it was read."""

    text: str

    def __new__(cls, text: str) -> Number:
        made = super().__new__(cls, text)
        made.text = text
        return made


@dataclass(slots=True)
class Value:
    """One repetition: component(1, 2) reads it without escapes. type: OBX-2; unit: OBX-6, for results."""

    components: Sequence[Sequence[str]]
    text: str = ""
    type: str = ""
    unit: Value | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    codings: Mapping[str, str] = field(default_factory=dict)
    authorities: Mapping[str, str] = field(default_factory=dict)
    zone: str = "+08:00"

    def __call__(self, component: int, sub: int = 1) -> str:
        if component > len(self.components) or sub > len(self.components[component - 1]):
            return ""
        return self.components[component - 1][sub - 1].strip()

    def whole(self, component: int) -> str:
        """A component with its subcomponents joined."""
        return "&".join(self.components[component - 1]).strip() if component <= len(self.components) else ""

    def coded(self, code: str) -> str:
        """By the element's table; the code itself where the table does not know it and there is no default."""
        table = self.tables.get(str(self.spec.get("table", "")))
        if table is None:
            return code
        return table.get(code, str(self.spec.get("default", "")) if "default" in self.spec else code)


def clean(made: Any) -> Any:
    """Without what is empty: FHIR knows no empty strings, objects or lists."""
    if isinstance(made, dict):
        found = {key: value for key, child in made.items() if (value := clean(child)) not in (None, "", {}, [])}
        return found or None
    if isinstance(made, list):
        return [value for child in made if (value := clean(child)) not in (None, "", {}, [])] or None
    return made


def number(text: str) -> Number | None:
    """A FHIR decimal: 7.1, not 07.1, 7. or .5."""
    try:
        Decimal(text)
    except InvalidOperation:
        return None
    sign, digits = ("-", text[1:]) if text[:1] == "-" else ("", text.lstrip("+"))
    whole, dot, rest = digits.partition(".")
    whole = whole.lstrip("0") if len(whole) > 1 else whole
    made = f"{sign}{whole or '0'}{dot if rest else ''}{rest}"
    return Number(made) if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", made) else None


def _parts(text: str, zone: str) -> tuple[str, str] | None:
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        date(int(year), int(month or 1), int(day or 1))
        time(int(hour or 0), int(minute or 0))
    except ValueError:
        return None
    day_said = "-".join(part for part in (year, month, day) if part)
    if not hour:
        return day_said, ""
    zone = f"{offset[:3]}:{offset[3:]}" if offset else zone
    return day_said, f"{hour}:{minute or '00'}:{second or '00'}{fraction or ''}{zone}"


def _date(v: Value) -> Any:
    found = _parts(v(1), v.zone)
    return found[0] if found else None


def _datetime(v: Value) -> Any:
    found = _parts(v(1), v.zone)
    return None if found is None else "T".join(part for part in found if part)


def _instant(v: Value) -> Any:
    found = _parts(v(1), v.zone)
    return "T".join(found) if found and found[1] else None


def _boolean(v: Value) -> Any:
    return {"Y": True, "1": True, "T": True, "N": False, "0": False, "F": False}.get(v(1).upper())


def _integer(v: Value) -> Any:
    return int(v(1)) if v(1).isdigit() and len(v(1)) < 10 else None


def _code(v: Value) -> Any:
    return v.coded(v(1)) or None


def _coding_system(v: Value, name: str) -> str:
    if name in v.codings:
        return v.codings[name]
    if _URI.fullmatch(name):
        return name
    if re.fullmatch(r"HL7\d{4}", name):
        return V2 + name[3:]
    return f"urn:oid:{name}" if _OID.fullmatch(name) else f"urn:id:{name}" if name and " " not in name else ""


def _concept(v: Value) -> Any:
    fixed = str(v.spec.get("system", ""))
    codings = [
        {"system": _coding_system(v, v(at + 2)) or (fixed if at == 1 else ""), "code": v(at), "display": v(at + 1)}
        for at in (1, 4)
        if v(at)
    ]
    return {"coding": codings, "text": v(9) or v(2) or ("" if v(1) else v(5))}


def _coding(v: Value) -> Any:
    code = v.coded(v(1))
    shown = v.tables.get(str(v.spec.get("display", "")), {}).get(code, "")
    return {"system": v.spec.get("system"), "code": code, "display": shown} if code else None


def _concept_of_code(v: Value) -> Any:
    made = _coding(v)
    if made and not re.fullmatch(r"[A-Za-z<>][A-Za-z0-9<>]{0,9}", made["code"]):
        return {"text": made["code"]}  # a sign of the sender's own
    return {"coding": [made], "text": v(2)} if made else None


def _authority(v: Value, component: int) -> str:
    name, oid, kind = v(component), v(component, 2), v(component, 3)
    for known in (name, oid, v(component + 1)):
        if known and known in v.authorities:
            return v.authorities[known]
    if _OID.fullmatch(oid):
        return f"urn:oid:{oid}"
    if kind == "ISO" and _OID.fullmatch(name):
        return f"urn:oid:{name}"
    return f"urn:id:{name}" if name and not re.search(r"\s", name) else ""


def _identifier(v: Value) -> Any:
    if not v(1):
        return None
    kind = {"coding": [{"system": V2 + "0203", "code": v(5)}]} if v(5) else None
    system = _authority(v, 4) if len(v.components) > 3 else _authority(v, 2)
    return {"type": kind, "system": system, "value": v(1)}


_NAME_USES = {"L": "official", "D": "usual", "M": "maiden", "N": "nickname", "S": "anonymous", "A": "nickname"}


def _name(v: Value) -> Any:
    given = [v(2), *v(3).split()]
    together = f"{v(1)}{v(2)}" if v(1) and not v(1).isascii() else ""  # a Chinese name is written without a space
    return {"use": _NAME_USES.get(v(7)), "text": together, "family": v(1), "given": given,
            "prefix": [v(5)], "suffix": [v(4)]} if v(1) or v(2) else None  # fmt: skip


def _address(v: Value) -> Any:
    kinds = {"H": ("use", "home"), "B": ("use", "work"), "O": ("use", "work"), "C": ("use", "temp"),
             "M": ("type", "postal")}  # fmt: skip
    made = {"line": [v(1), v(2)], "city": v(3), "district": v(9), "state": v(4), "postalCode": v(5), "country": v(6)}
    if kind := kinds.get(v(7)):
        made[kind[0]] = kind[1]
    return made if any(v(n) for n in (1, 2, 3, 4, 5, 6, 9)) else None


def _contact(v: Value) -> Any:
    mail = v(4) if v(3) in ("Internet", "X.400") or "@" in v(4) else ""
    value = mail or v(12) or v(1) or "".join(part for part in (v(6), v(7)) if part)
    system = "email" if "@" in value else {"FX": "fax", "BP": "pager"}.get(v(3), "phone")
    return {"system": system, "value": value} if value else None


def _person(v: Value) -> Any:
    """Reference with what is known of a person: number and name."""
    named = f"{v(2)}{v(3)}" if v(2) and not v(2).isascii() else " ".join(part for part in (v(3), v(2)) if part)
    identifier = {"value": v(1), "system": _authority(v, 9)} if v(1) else None
    return {"identifier": identifier, "display": named} if named or identifier else None


def _participant(v: Value) -> Any:
    person = clean(_person(v))
    return {"individual": person} if person else None


def _place(v: Value) -> Any:
    shown = " ".join(part for part in (v(1), v(2), v(3)) if part)
    return {"location": {"display": shown}} if shown else None


def quantity(text: str, v: Value) -> Any:
    """A number with its unit; None where the text is none."""
    found = _NUMBER.fullmatch(text)
    value = number(found[2]) if found else None
    if found is None or value is None:
        return None
    made: dict[str, Any] = {"value": value, "comparator": _COMPARATORS.get(found[1] or "", found[1])}
    if (unit := v.unit) is not None and unit(1):
        made["unit"] = unit(2) or unit(1)
        if system := _coding_system(v, unit(3)) if unit(3) else "":
            made |= {"system": system, "code": unit(1)}
    return made


def _result(v: Value) -> Any:
    """valueQuantity, valueString, … by OBX-2, and by what really stands there."""
    kind = v.type
    if kind in ("NM", "SN", ""):
        text = f"{v(1)}{v(2)}" if kind == "SN" and not v(3) else v(1)
        if kind == "SN" and v(3) in ("-", ":", "/") and number(v(2)) is not None and number(v(4)) is not None:
            low, high = ({"value": number(v(at)), **_unit(v)} for at in (2, 4))
            return (
                {"valueRange": {"low": low, "high": high}}
                if v(3) == "-"
                else {"valueRatio": {"numerator": low, "denominator": high}}
            )
        if made := quantity(text, v):
            return {"valueQuantity": made}
        return {"valueString": v.text}
    if kind in ("CE", "CWE", "CNE", "CF", "IS", "ID"):
        return {"valueCodeableConcept": _concept(v)} if kind not in ("IS", "ID") else {"valueString": v(1)}
    if kind in ("TS", "DTM", "DT"):
        return {"valueDateTime": _datetime(v)} if _datetime(v) else {"valueString": v.text}
    if kind == "TM":
        found = re.fullmatch(r"(\d\d)(\d\d)(\d\d)?.*", v(1))
        return {"valueTime": f"{found[1]}:{found[2]}:{found[3] or '00'}"} if found else {"valueString": v.text}
    if kind in ("ED", "RP"):
        return None
    return {"valueString": v.text}


def _unit(v: Value) -> dict[str, str]:
    return {"unit": v.unit(2) or v.unit(1)} if v.unit is not None and v.unit(1) else {}


def _range(v: Value) -> Any:
    text = v.text.strip()
    if found := _RANGE.fullmatch(text):
        low, high = number(found[1]), number(found[2])
        return {"low": {"value": low, **_unit(v)}, "high": {"value": high, **_unit(v)}, "text": text}
    found = _NUMBER.fullmatch(text)
    if found and found[1] and (limit := number(found[2])) is not None:
        side = "high" if found[1] in ("<", "<=", "≤") else "low"
        return {side: {"value": limit, **_unit(v)}, "text": text}
    return {"text": text}


TYPES: Mapping[str, Callable[[Value], Any]] = {
    "string": lambda v: v.text or None,
    "date": _date,
    "dateTime": _datetime,
    "instant": _instant,
    "boolean": _boolean,
    "integer": _integer,
    "code": _code,
    "Coding": _coding,
    "coding": _concept_of_code,
    "CodeableConcept": _concept,
    "Identifier": _identifier,
    "HumanName": _name,
    "Address": _address,
    "ContactPoint": _contact,
    "Person": _person,
    "Participant": _participant,
    "Place": _place,
    "Annotation": lambda v: {"text": v.text} if v.text else None,
    "Range": _range,
    "value": _result,
}
