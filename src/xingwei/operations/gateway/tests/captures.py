"""Where the real inputs stand that nobody here wrote (../shared/data); used in place, never copied."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

_CONTROLS = {"ENQ": b"\x05", "ACK": b"\x06", "NAK": b"\x15", "EOT": b"\x04", "STX": b"\x02", "ETX": b"\x03",
             "ETB": b"\x17", "CR": b"\r", "LF": b"\n", "VT": b"\x0b", "FS": b"\x1c"}  # fmt: skip
_CONTROL = re.compile(r"\[([A-Z]{2,3})\]")


@cache
def _found() -> Path | None:
    for parent in Path(__file__).resolve().parents:
        if (parent / "shared" / "data").is_dir():
            return parent / "shared" / "data"
    return None


def shared(*parts: str) -> Path:
    """A place under shared/data; skips the test where it is not there, and fails it in CI."""
    base = _found()
    path = base.joinpath(*parts) if base else None
    if path is None or not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"shared/data/{'/'.join(parts)} is not there")
        pytest.skip("shared/data is not beside the repository")
    return path


def files(folder: str) -> list[Path]:
    """Every file of a folder of shared/data; empty where it is absent (parametrised tests then have no cases)."""
    base = _found()
    return sorted(path for path in (base / folder).rglob("*") if path.is_file()) if base else []


def control_bytes(text: str) -> bytes:
    """[STX] and the like as the bytes that they stand for."""
    out, at = b"", 0
    for found in _CONTROL.finditer(text):
        out += text[at : found.start()].encode() + _CONTROLS.get(found[1], found[0].encode())
        at = found.end()
    return out + text[at:].encode()


def logged_reads(path: Path) -> list[bytes]:
    """The reads of a capture in which each line is one TCP read and ` - [ACK]` is what the host answered."""
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    return [control_bytes(line) for line in lines if line and not line.startswith(" - ")]
