"""How the hospital is set up: data/hospital.yaml, another file, single values by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml


class SettingsError(Exception):
    """A setting cannot be used; a Chinese sentence says which."""


@dataclass(frozen=True, slots=True)
class Charset:
    """encoding: of the bytes; says: MSH-18."""

    encoding: str = "utf-8"
    says: str = ""


@dataclass(frozen=True, slots=True)
class Habits:
    split: float = 0
    repeat: float = 0
    bad_checksum: float = 0
    disorder: float = 0
    tail: float = 0
    bare_end: float = 0
    late_ack: float = 0
    late_ack_s: float = 4


@dataclass(frozen=True, slots=True)
class Traffic:
    visits_a_day: int = 2400
    least_a_minute: float = 2.0
    haste: float = 60
    patients: int = 4000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """gateway: port by sender; own: port by receiving system (0: any free one)."""

    name: str
    organisation: str
    host: str
    gateway: Mapping[str, int]
    own: Mapping[str, int]
    traffic: Traffic
    charset: Mapping[str, Charset]
    habits: Habits
    database_url: str = ""

    def charset_of(self, sender: str) -> Charset:
        return self.charset.get(sender, Charset())

    @property
    def http(self) -> str:
        """The gateway's entry for all HTTP interfaces, without a slash at the end."""
        return f"http://{self.host}:{self.gateway['http']}"


def load(path: Path | None = None, changes: Mapping[str, str] | None = None) -> Settings:
    """The packaged settings or those of a file; changes: {"traffic.haste": "600"}. Raises SettingsError."""
    named = path or (Path(p) if (p := os.environ.get("SIMHOSPITAL_SETTINGS")) else None)
    try:
        text = named.read_text("utf-8") if named else _packaged()
        document = yaml.safe_load(text)
        for name, value in (changes or {}).items():
            _change(document, name, value)
        return _settings(document)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"医院设置{f'文件 {named} ' if named else ''}读不懂：{error}") from error


def _packaged() -> str:
    return (resources.files("simhospital") / "data" / "hospital.yaml").read_text("utf-8")


def _change(document: dict[str, Any], name: str, value: str) -> None:
    *path, last = name.split(".")
    place = document
    for step in path:
        place = place[step]
    place[last] = yaml.safe_load(value)


def _settings(d: dict[str, Any]) -> Settings:
    return Settings(
        name=d["name"],
        organisation=d["organisation"],
        host=d["host"],
        gateway={k: int(v) for k, v in d["gateway"].items()},
        own={k: int(v) for k, v in d["own"].items()},
        traffic=Traffic(**d.get("traffic", {})),
        charset={k: Charset(**v) for k, v in d.get("charset", {}).items()},
        habits=Habits(**d.get("habits", {})),
        database_url=os.environ.get("SIMHOSPITAL_DATABASE_URL", ""),
    )
