from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from xingwei.base.journal import options, sealing
from xingwei.base.journal.models import Entry
from xingwei.base.journal.services import record
from xingwei.base.journal.who import Who


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """Keys and exported heads of this test alone."""
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    yield tmp_path
    options.use(options.Options)


@pytest.fixture
def write(db: None) -> Callable[..., list[Entry]]:
    """write(5) → five acts, recorded one after another."""

    def writer(count: int = 1, **changes: Any) -> list[Entry]:
        who = Who(id=7, name="刘工", organisation="运维公司", address="10.0.0.8")
        with transaction.atomic():
            return [
                record(
                    who,
                    changes.get("act", "desk.case.accept"),
                    ("desk.case", str(i), f"2603-{i}"),
                    changes.get("summary", f"受理 2603-{i}"),
                    before={"state": "new"},
                    after={"state": "accepted", "note": "患者诉“无法收费”\n换行", "n": i},
                )
                for i in range(count)
            ]

    return writer


@pytest.fixture
def sealed(write: Callable[..., list[Entry]]) -> Callable[..., list[Entry]]:
    """sealed(5) → five acts, sealed, with a head over them."""

    def sealer(count: int = 1, **changes: Any) -> list[Entry]:
        entries = write(count, **changes)
        sealing.seal()
        with transaction.atomic():
            sealing.sign_now(options.signer())
        return entries

    return sealer


@pytest.fixture
def superuser(db: None) -> Callable[..., None]:
    """superuser("DELETE FROM …", …): SQL with the journal's triggers switched off."""

    def execute(*statements: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("SET LOCAL session_replication_role = origin")

    return execute
