"""What an installation decides about its journal. This room is too low to read settings: a higher one hands
them down by `use`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from xingwei.base.runtime.crypto import Signer, load_signer

RETENTION_DAYS_MIN = 184  # six months of the Cybersecurity Law can be 184 days long
RETENTION_DAYS = 1095


@dataclass(frozen=True, slots=True)
class Options:
    """export_directory: an absolute path, usually a mounted share. export_url: takes heads by POST."""

    retention_days: int = RETENTION_DAYS
    export_directory: str = ""
    export_url: str = ""


_source: Callable[[], Options] = Options


def use(source: Callable[[], Options]) -> None:
    """Register where the options come from (in a higher room's ready())."""
    global _source
    _source = source


def current() -> Options:
    return _source()


def key_directory() -> Path:
    return Path(settings.CONFIG.secrets)


def local_heads() -> Path:
    """Where heads are always written, outside the database: who rules only the database cannot reach it."""
    return Path(settings.CONFIG.home) / "journal-heads"


def signer() -> Signer:
    return load_signer(key_directory())
