"""Set-up steps run when they must, and an installation stays what it was made for."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from xingwei.base.runtime import prepare, setup
from xingwei.base.runtime.models import Installation
from xingwei.base.runtime.setup import Report, step
from xingwei.base.runtime.trouble import Trouble

pytestmark = pytest.mark.django_db


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The steps that ran, in order. One reads data.yaml, one is the demonstration's."""
    monkeypatch.setattr(setup, "_steps", {})
    log: list[str] = []
    data = tmp_path / "data.yaml"
    data.write_text("one")

    @step(20, "文件", files=(data,))
    def file(report: Report) -> None:
        report(1, 2, "一半")
        log.append("file")

    @step(10, "没有文件")
    def plain(report: Report) -> None:
        log.append("plain")

    @step(30, "演示", demo=True)
    def demo(report: Report) -> None:
        log.append("demo")

    return log


def test_steps_run_in_order_and_once(ran: list[str], tmp_path: Path) -> None:
    prepare.run_steps(demo=True)
    prepare.run_steps(demo=True)
    assert ran == ["plain", "file", "demo"]
    (tmp_path / "data.yaml").write_text("two")
    prepare.run_steps(demo=True)
    assert ran[3:] == ["file"]


def test_real_use_is_spared_the_demonstration(ran: list[str]) -> None:
    prepare.run_steps(demo=False)
    assert ran == ["plain", "file"]


def test_a_step_that_failed_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_steps", {})
    tries: list[int] = []

    @step(1, "会失败")
    def fails_once(report: Report) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        prepare.run_steps(demo=False)
    prepare.run_steps(demo=False)
    prepare.run_steps(demo=False)
    assert len(tries) == 2


def test_what_an_installation_is_for_is_decided_once() -> None:
    assert prepare._installation(None).mode == Installation.Mode.DEMO
    with pytest.raises(Trouble, match="--fresh --empty"):
        prepare._installation(True)
    Installation.objects.update(mode=Installation.Mode.EMPTY)
    assert prepare._installation(None).mode == Installation.Mode.EMPTY


def test_a_database_of_a_newer_version_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('runtime', '0999_later', now())")
    with pytest.raises(Trouble, match=r"更新的版本用过的（有 runtime\.0999_later"):
        prepare.migrate()


def test_migrations_that_another_package_dropped_are_no_obstacle() -> None:
    assert prepare.known_migration("auth.0000_gone")
    assert prepare.known_migration("a_package_used_no_more.0001_initial")
    assert not prepare.known_migration("runtime.0999_later")


def test_a_newer_version_without_new_migrations_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare._installation(None)
    Installation.objects.update(version="0.10.0")
    monkeypatch.setattr("xingwei.base.runtime.version.current", lambda: "0.9.3")
    with pytest.raises(Trouble, match=r"版本 0\.10\.0"):
        prepare.migrate()
