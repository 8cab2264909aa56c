"""What the room's services share."""

from __future__ import annotations

from xingwei.base.ui.views import ServiceRefused


class Refused(ServiceRefused):
    """The act is refused; str() is the Chinese sentence."""


class Stale(Refused):
    """Somebody saved the guide meanwhile; what was typed is still with its typist."""


def check_text(value: str, what: str, longest: int, *, needed: bool = False) -> str:
    """The text without surrounding blanks; Refused where it is too long, or empty although needed."""
    text = value.replace("\x00", "").replace("\r\n", "\n").strip()
    if needed and not text:
        raise Refused(f"请填写{what}")
    if len(text) > longest:
        raise Refused(f"{what}最长 {longest:,} 字，现在是 {len(text):,} 字")
    return text
