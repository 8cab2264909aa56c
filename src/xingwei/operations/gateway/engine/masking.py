"""Interface messages as somebody without a data right may read them. Pure.

Denied by default: of HL7 and ASTM only fields that are known to hold no person are shown; of JSON and XML everything
but what is named as a person's, since their fields are open-ended. Numbers that look like an identity card or a mobile
telephone are covered wherever they stand. What cannot be read as a message is not shown at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

OPEN, CLOSE = "\ue000", "\ue001"  # around what is covered; the page draws them as hatching
_ID_CARD = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|\d{15})(?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9A-Za-z.])1[3-9]\d{9}(?![0-9A-Za-z.])")

# Segments of which only these fields are covered; every field of a segment that is not named here is covered.
_HL7: dict[str, frozenset[int] | None] = {
    "MSH": frozenset(), "EVN": frozenset({5}), "MSA": frozenset(), "ERR": frozenset(), "QAK": frozenset(),
    "QPD": frozenset({3, 4, 5, 6, 7, 8}), "ORC": frozenset({12, 21, 22, 23, 24}), "OBR": frozenset({10, 14, 16, 17, 28}),
    "OBX": frozenset({16}), "SPM": frozenset(), "TXA": frozenset({5, 9, 10, 11, 22}), "PV1": frozenset({5, 7, 8, 9, 17, 19, 50, 52}),
    "PV2": frozenset({22}), "AL1": frozenset(), "DG1": frozenset(), "RXO": frozenset(), "RXE": frozenset(), "RXR": frozenset(),
    "TQ1": frozenset(), "SCH": frozenset({12, 13, 14, 15, 16, 17, 18, 19, 20}), "FT1": frozenset(), "EQU": frozenset(),
    "SAC": frozenset(), "INV": frozenset(), "FHS": frozenset(), "BHS": frozenset(), "BTS": frozenset(), "FTS": frozenset(),
    "PID": frozenset({2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14, 18, 19, 20, 21, 23, 26, 27, 28}),
}  # fmt: skip
_HL7_TEXTS = {"NTE": 3}  # free text: its length only
_TEXT_TYPES = frozenset({"TX", "FT", "ED", "RP", "ST", "CE", "CWE"})
_ASTM: dict[str, frozenset[int] | None] = {
    "H": frozenset(), "O": frozenset({17, 18}), "R": frozenset(), "L": frozenset(), "Q": frozenset({5, 6}), "M": frozenset(),
    "P": frozenset({3, 4, 5, 6, 7, 8, 11, 13, 14, 22}),
}  # fmt: skip
_ASTM_TEXTS = {"C": 4}

_NAMES = """
    name psn_name patn_name patient_name patientname coner_name coner_addr coner_tel agnter_name agnter_tel
    agnter_addr agnter_certno certno cert_no psn_cert_no mdtrt_cert_no card_sn cardno card_no psn_no idcard
    id_card id_no idno tel phone mobile mob telephone addr address live_addr resd_addr email brdy birthday
    birthdate birth_date dateofbirth family given text display patient_id patientid patient_no pat_id patno mrn
    hisid his_id open_id openid ipt_no otp_no ipt_otp_no medrcdno xm sfzh zjhm lxdh dz csrq brxm brid zyh mzh kh
    value_name contact telecom identifier photo signature ecqrcode qrcode token begntime_name dscg_maindiag_name
    emp_name psn_sn insured_name caty_name_of_person patientname_py username
"""
_KEYS = frozenset(_NAMES.split())
_BENIGN_TEXT = frozenset({"code", "coding", "status", "category", "interpretation", "unit", "type"})


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a message. covered: hatched on the page."""

    text: str
    covered: bool = False


def parts(text: str) -> Iterator[Part]:
    """A masked text, cut at its marks."""
    for i, piece in enumerate(re.split(f"[{OPEN}{CLOSE}]", text)):
        if piece:
            yield Part(piece, i % 2 == 1)


def cover(value: str) -> str:
    """A covered value: of a number its last four, of a name its first and last character."""
    if not value.strip():
        return value
    plain = value.strip()
    if plain.isascii():
        tail = plain[-4:] if len(plain) >= 8 and plain[-4:].isalnum() else ""
        shown = f"****{tail}"
    else:
        shown = plain[0] + "*" * max(1, min(len(plain) - 2, 3)) + (plain[-1] if len(plain) > 2 else "")
    return f"{OPEN}{shown}{CLOSE}"


def patterns(value: str) -> str:
    """Identity-card and telephone numbers covered, wherever they stand."""
    if not any(c.isdigit() for c in value):
        return value
    return _MOBILE.sub(lambda m: cover(m[0]), _ID_CARD.sub(lambda m: cover(m[0]), value))


def plainly(value: str) -> str:
    """The same without marks, for what is no page."""
    return "".join(p.text for p in parts(patterns(value)))


def text_of(value: str) -> str:
    return f"{OPEN}文本 {len(value)} 字{CLOSE}" if value.strip() else value


def mask(kind: str, text: str) -> str:
    """The whole message with marks around what is covered. kind: hl7, astm, json, xml or bytes."""
    covered = {"hl7": _hl7, "astm": _astm, "json": _json, "xml": _xml}.get(kind)
    if covered is None:
        return f"{OPEN}{len(text)} 字，不能按字段遮蔽，所以不显示{CLOSE}" if text else ""
    return covered(text)


def hides(kind: str, path: str, value: str = "", type_: str = "") -> bool:
    """Whether the field at a path (of engine.documents) is covered. type_: of HL7, the OBX-2 of the same segment."""
    if kind == "hl7":
        return _hides_hl7(path, type_)
    if kind == "astm":
        return _hides_field(path, _ASTM, _ASTM_TEXTS)
    if kind in {"json", "xml"}:
        return _hides_key(path)
    return True


def masked_value(kind: str, path: str, value: str, type_: str = "") -> str:
    """One field's value as it is shown."""
    if not value:
        return value
    if hides(kind, path, value, type_):
        free = (kind == "hl7" and _is_text(path, type_)) or (kind == "astm" and path.startswith("C"))
        return text_of(value) if free else cover(value)
    return patterns(value)


_PATH = re.compile(r"^([A-Z][A-Z0-9]{0,2})(?:\[\d+\])?-(\d+)")


def _is_text(path: str, type_: str) -> bool:
    found = _PATH.match(path)
    return found is not None and (found[1] == "NTE" or (found[1] == "OBX" and found[2] == "5"))


def _hides_hl7(path: str, type_: str) -> bool:
    found = _PATH.match(path)
    if found is None:
        return True
    if found[1] == "OBX" and found[2] == "5":
        return type_ in {"TX", "FT", "ED", "RP"}
    return _hides_field(path, _HL7, _HL7_TEXTS)


def _hides_field(path: str, table: Mapping[str, frozenset[int] | None], texts: Mapping[str, int]) -> bool:
    found = _PATH.match(path)
    if found is None:
        return True
    name, number = found[1], int(found[2])
    if name in texts:
        return number == texts[name]
    hidden = table.get(name)
    return hidden is None or number in hidden


def _hides_key(path: str) -> bool:
    steps = [re.sub(r"\[\d+\]$", "", s).rpartition(":")[2].lower() for s in re.split(r"[./]", path) if s]
    if not steps:
        return True
    last = steps[-1].lstrip("@")
    if last in {"text", "display"} and len(steps) > 1 and steps[-2] in _BENIGN_TEXT:
        return False
    return any(step.lstrip("@") in _KEYS for step in steps)


def _lines(text: str, one: Callable[[str], str]) -> str:
    """Each line by itself, the line ends kept."""
    return "".join(piece if piece in {"\r", "\n", "\r\n"} else one(piece) for piece in re.split(r"(\r\n|\r|\n)", text))


def _hl7(text: str) -> str:
    separator, fields_of_type = "|", {"type": ""}
    start = re.search(r"MSH(.)", text)
    if start:
        separator = start[1]

    def one(line: str) -> str:
        plain = line.lstrip("\x0b\x1c")
        lead = line[: len(line) - len(plain)]
        found = re.match(r"[A-Z][A-Z0-9]{2}$", plain.split(separator, 1)[0])
        if found is None:
            rest = plain.strip("\x0b\x1c\x00 ")
            return line if not rest else f"{lead}{OPEN}不能识别的内容 {len(rest)} 字{CLOSE}"
        fields = plain.split(separator)
        name, offset = fields[0], 1 if fields[0] in {"MSH", "FHS", "BHS"} else 0
        fields_of_type["type"] = fields[2] if name == "OBX" and len(fields) > 2 else ""
        made = [name]
        for i, value in enumerate(fields[1:], start=1 + offset):
            path = f"{name}-{i}"
            free = value.strip("\x1c\r\n ") if value.endswith("\x1c") else value
            made.append(value.replace(free, masked_value("hl7", path, free, fields_of_type["type"])) if free else value)
        return lead + separator.join(made)

    return _lines(text, one)


def _astm(text: str) -> str:
    separator = "|"
    start = re.search(r"(?:^|[\x02\d\r\n\]])H([|@!;,\\])", text)
    if start:
        separator = start[1]

    def one(line: str) -> str:
        found = re.match(rf"^([\x00-\x1f]*(?:\[[A-Z]+\])*\d?)([A-Z]){re.escape(separator)}", line)
        if found is None:
            rest = re.sub(r"[\x00-\x1f]|\[[A-Z0-9]+\]", "", line)
            return line if len(rest) <= 3 else f"{OPEN}不能识别的内容 {len(rest)} 字{CLOSE}"
        fields = line[found.end(1) :].split(separator)
        made = [fields[0]]
        for i, value in enumerate(fields[1:], start=2):
            made.append(masked_value("astm", f"{fields[0]}-{i}", value))
        return found[1] + separator.join(made)

    return _lines(text, one)


_JSON_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\{|\[|true|false|null)')
_XML_TEXT = re.compile(r"<([A-Za-z_][\w:.-]*)([^<>]*)>([^<]*)")
_XML_ATTRIBUTE = re.compile(r'([A-Za-z_][\w:.-]*)="([^"]*)"')


def _json(text: str) -> str:
    def pair(m: re.Match[str]) -> str:
        key, value = m[1], m[2]
        if value[0] in "{[" or not _hides_key(key) or value in {"true", "false", "null"}:
            return m[0]
        inner = value.strip('"')
        return m[0][: m.start(2) - m.start()] + value.replace(inner, cover(inner)) if inner else m[0]

    return _outside(_arrays(_JSON_PAIR.sub(pair, text)), patterns)


def _arrays(text: str) -> str:
    """Texts in lists under a name that is a person's: "given": ["三"]."""

    def one(m: re.Match[str]) -> str:
        if not _hides_key(m[1]):
            return m[0]
        return m[0][: m.start(2) - m.start()] + re.sub(r'"((?:[^"\\]|\\.)+)"', lambda s: f'"{cover(s[1])}"', m[2])

    return re.sub(r'"((?:[^"\\]|\\.)*)"\s*:\s*(\[[^\[\]{}]*\])', one, text)


def _xml(text: str) -> str:
    def attribute(m: re.Match[str]) -> str:
        return f'{m[1]}="{cover(m[2])}"' if _hides_key(m[1]) and m[2] else m[0]

    def element(m: re.Match[str]) -> str:
        body = m[3]
        if body.strip() and _hides_key(m[1]):
            body = body.replace(body.strip(), cover(body.strip()))
        return f"<{m[1]}{_XML_ATTRIBUTE.sub(attribute, m[2])}>{body}"

    return _outside(_XML_TEXT.sub(element, text), patterns)


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Change what is not covered yet."""
    return "".join(f"{OPEN}{p.text}{CLOSE}" if p.covered else change(p.text) for p in parts(text))
