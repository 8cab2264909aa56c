"""xingwei contract …, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from xingwei.service.contract.cli import app
from xingwei.service.contract.files import SCHEMA
from xingwei.service.contract.models import ContractVersion

from .conftest import GUANGYUAN

run = CliRunner().invoke


@pytest.mark.clause("9.10")
def test_check_reads_the_contract_without_a_database(monkeypatch: Any) -> None:
    answer = run(app, ["check", str(GUANGYUAN)])
    assert answer.exit_code == 0, answer.output
    assert "条文 237 段，条款 72 条" in answer.output
    assert "9 行分值 12＋12＋20＋10＋10＋10＋10＋5＋8＝97，满分写 100，差 3 分" in answer.output
    assert "考核表备注 1：「考核表满分为100分」" in answer.output
    assert "● 总得分 = 满分 − 各项扣分之和 → 均分 92" in answer.output
    assert max(map(len, answer.output.splitlines())) <= 100


def test_check_finds_the_shipped_contract_by_itself() -> None:
    assert run(app, ["check"]).output == run(app, ["check", str(GUANGYUAN)]).output


def test_check_as_json() -> None:
    found = json.loads(run(app, ["check", str(GUANGYUAN), "--json"]).output)
    assert found["contract"] == "guangyuan-2025"
    points = next(f for f in found["findings"] if f["id"] == "points-sum")
    assert points["facts"][0]["quotes"][0] == {
        "at": "R1",
        "citation": "考核表备注 1",
        "words": "考核表满分为100分",
        "says": "满分 100",
    }
    assert points["chosen"] == "from_full"


def test_broken_files_are_named_and_end_with_2(edited: Callable[..., Path]) -> None:
    directory = str(edited("fee.yaml", "pay_percent: 95", "pay_percent: 195"))
    answer = run(app, ["check", directory])
    assert answer.exit_code == 2
    assert "合同文件有" in answer.output
    assert "fee.yaml 第 " in answer.output
    as_json = run(app, ["check", directory, "--json"])
    assert as_json.exit_code == 2
    assert json.loads(as_json.output)["problems"][0]["file"] == "fee.yaml"


@pytest.mark.django_db
def test_import_makes_a_version_once(edited: Callable[..., Path]) -> None:
    for _ in range(2):
        answer = run(app, ["import", str(GUANGYUAN)])
        assert answer.exit_code == 0, answer.output
        assert "第 1 版，尚未启用" in answer.output
    assert ContractVersion.objects.count() == 1
    assert run(app, ["import", str(edited("fee.yaml", "fee:", "fee: ["))]).exit_code == 2


def test_schema_prints_the_published_schema() -> None:
    assert run(app, ["schema"]).output == SCHEMA.read_text(encoding="utf-8")
