from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xingwei.service.contract.engine.loader import Loaded
from xingwei.service.contract.files import CONTRACTS, load_directory

GUANGYUAN = CONTRACTS / "guangyuan-2025"


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    return load_directory(GUANGYUAN)


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """edited("fee.yaml", "low: 90", "low: 91") → a copy of the contract with that one change (or a new file)."""

    def change(name: str, old: str = "", new: str = "") -> Path:
        directory = tmp_path / "contract"
        if not directory.exists():
            shutil.copytree(GUANGYUAN, directory)
        path = directory / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert old in text
        if old or new:
            path.write_text(text.replace(old, new, 1) if old else new, encoding="utf-8")
        return directory

    return change


@pytest.fixture
def version(db: None, loaded: Loaded) -> Any:
    """The contract of Guangyuan, imported and in force from 2025-10-15 for a year. Its files are read once a session."""
    import datetime as dt
    from decimal import Decimal

    from xingwei.base.policy.engine import system_actor
    from xingwei.service.contract import services

    system = system_actor()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "load_directory", lambda directory: loaded)
        imported = services.import_contract(system, GUANGYUAN)
    return services.put_in_force(
        system,
        imported,
        starts_on=dt.date(2025, 10, 15),
        ends_on=dt.date(2026, 10, 14),
        contract_number="YW-2025-031",
        total=Decimal("1280000.00"),
    )
