"""Settings that an installation may change on a page: declared once, by the room that uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class SettingError(ValueError):
    """A value that a setting refuses; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class Setting:
    """kind: int, bool, text or choice. unit and why are shown beside the field; admin: who may change it."""

    key: str
    group: str
    label: str
    default: Any
    kind: str = "int"
    unit: str = ""
    low: int | None = None
    high: int | None = None
    choices: tuple[tuple[str, str], ...] = ()
    why: str = ""
    admin: str = "system"
    check: Callable[[Any], str | None] | None = None

    def clean(self, raw: Any) -> Any:
        """The typed value of a form's text; raises SettingError."""
        value = self._typed(raw)
        if self.check and (trouble := self.check(value)):
            raise SettingError(f"{self.label}：{trouble}")
        return value

    def _typed(self, raw: Any) -> Any:
        if self.kind == "bool":
            return raw in (True, "on", "true", "1", 1)
        text = str(raw).strip()
        if self.kind == "int":
            try:
                number = int(text)  # int() reads full-width digits too
            except ValueError:
                raise SettingError(f"{self.label}：“{text[:20]}”不是整数") from None
            if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
                raise SettingError(f"{self.label}：应在 {self.low} 到 {self.high} {self.unit}之间")
            return number
        if self.kind == "choice" and text not in dict(self.choices):
            raise SettingError(f"{self.label}：没有“{text[:20]}”这个选项")
        if len(text) > 500:
            raise SettingError(f"{self.label}：最长 500 字")
        return text


_settings: dict[str, Setting] = {}


def register(*settings: Setting) -> None:
    """Declare settings; call at import of the room's `settings.py`, itself imported in ready()."""
    for setting in settings:
        _settings[setting.key] = setting


def registered() -> dict[str, Setting]:
    return dict(_settings)
