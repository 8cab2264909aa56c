"""Where the lake's files lie: HOME/lake/DATASET/day=2026-11-25/MAPPING-DIGEST.parquet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from xingwei.base.runtime import config
from xingwei.base.runtime.config import REPO

DIRECTORY = REPO / "lakes"
SHIPPED = DIRECTORY / "guangyuan"
SNAPSHOT = "current"


def root() -> Path:
    return config.from_environment().home / "lake"


def folder(dataset: str, day: dt.date | None) -> str:
    """Of a part's file, below the root."""
    return f"{dataset}/{f'day={day.isoformat()}' if day else SNAPSHOT}"
