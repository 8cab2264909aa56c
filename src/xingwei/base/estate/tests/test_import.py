"""The estate from files: what ships for Guangyuan, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from xingwei.base.accounts.services import import_people
from xingwei.base.estate import exporting, files, queries, services
from xingwei.base.estate.engine import Vocabulary
from xingwei.base.estate.models import (
    BusinessFunction,
    Component,
    Dependency,
    Interface,
    Ownership,
    Parameter,
    Subsystem,
    System,
)
from xingwei.base.journal.models import Entry
from xingwei.base.policy.registry import Denied

from .conftest import SMALL, SYSTEM

GUANGYUAN = files.SHIPPED / "guangyuan"
DEMO = Path(__file__).parents[4] / "xingwei" / "web" / "demo"

# Every subsystem and function that the requirements name.
NAMED = {
    "CIS": "门诊医生工作站 门急诊电子病历系统 门诊输液管理系统 住院医生工作站 病区护士工作站 临床路径管理系统 "
    "抗菌药物分级管理系统 移动医生站系统 移动护士站系统",
    "LIS": "临床实验室管理系统 危急值管理系统 实验室管理查询系统 条码管理系统",
    "OPD": "医嘱下达 病历书写 检验检查报告查看",
    "ESB": "服务订阅 服务发布 消息推送",
    "POL": "处方流转 药品追溯码 三医监管 卡码融合",
}


@pytest.fixture(scope="module")
def guangyuan(django_db_setup: None, django_db_blocker: Any) -> Any:
    """The whole shipped estate, imported once, and the queries that it took; rolled back when the module ends."""
    with django_db_blocker.unblock(), transaction.atomic():
        import_people(SYSTEM, DEMO / "people.yaml", password="Xingwei-2026-demo")
        with CaptureQueriesContext(connection) as asked:
            done = services.import_estate(SYSTEM, GUANGYUAN)
        yield done, len(asked)
        transaction.set_rollback(True)


@pytest.mark.clause("2.2")
def test_the_shipped_estate_holds_what_the_requirements_name(guangyuan: Any) -> None:
    assert [s.code for s in queries.systems()] == ["HIS", "CIS", "LIS", "OPD", "EMR", "ODR", "ESB", "DEV", "YB", "POL"]
    for system, names in NAMED.items():
        held = set(Subsystem.objects.filter(system__code=system).values_list("name", flat=True))
        assert set(names.split()) <= held, system
    for name in ("挂号", "收费", "医保结算", "医嘱检索", "医嘱保存", "医嘱发送", "病历书写", "发药", "标本回传"):
        assert BusinessFunction.objects.filter(name=name).exists(), name
    for system in ("HIS", "CIS", "LIS", "OPD"):
        assert Parameter.objects.filter(system__code=system).count() >= 10
    assert Parameter.objects.filter(system__code__in=["HIS", "CIS", "LIS", "OPD"]).count() >= 60
    assert not Parameter.objects.filter(meaning="").exists()
    assert not Parameter.objects.filter(effect="").exists()


def test_every_interface_has_an_owner_and_every_system_too(guangyuan: Any) -> None:
    owned = set(Ownership.objects.filter(part="owner").values_list("subject", flat=True))
    assert {f"interface:{i.code}" for i in Interface.objects.all()} <= owned
    assert {f"system:{s.code}" for s in System.objects.all()} <= owned
    peers = set(Ownership.objects.filter(part="peer").values_list("subject", flat=True))
    settled = Interface.objects.filter(peer_organisation__code="ybxx")
    assert {f"interface:{i.code}" for i in settled} <= peers


@pytest.mark.clause("1.7a")
def test_the_line_to_the_insurance_centre_stops_settlement_and_not_registration(guangyuan: Any) -> None:
    found = queries.impact("component:LINK-YB")
    assert found is not None
    names = {f.name for f in found.functions}
    assert "医保结算" in names
    assert not names & {"挂号", "医嘱保存", "病历书写"}
    assert found.window
    assert found.departments[0].kind == "window"
    everything = queries.impact("component:HOST-VM")
    assert everything is not None
    assert len(everything.functions) > 60


def test_the_words_of_the_demonstration_are_understood(guangyuan: Any) -> None:
    """Of the faults that people report, the right system is nearly always among what their words mean."""
    words: Vocabulary = queries.words()
    with (DEMO / "scenarios.tsv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file, delimiter="\t") if r["kind"] == "incident"]
    missed = []
    for row in rows:
        systems = {t.system for hit in words.find(f"{row['title']}，{row['words']}") for t in hit.terms}
        if row["system"] not in systems:
            missed.append(f"{row['system']} {row['title']} {systems}")
    assert len(missed) <= len(rows) * 0.1, missed


def test_importing_again_changes_nothing_and_the_import_does_not_ask_too_much(guangyuan: Any) -> None:
    assert guangyuan[1] < 4_000  # about four for each of its 940 things
    before = Entry.objects.count()
    done = services.import_estate(SYSTEM, GUANGYUAN)
    assert str(done) == "新增：无；更改：无"
    assert Entry.objects.count() == before


def test_what_is_exported_is_what_was_imported(guangyuan: Any, tmp_path: Path) -> None:
    counts = exporting.export_estate(tmp_path)
    assert counts["systems.yaml"] == 10
    assert services.check_estate(tmp_path) == []
    assert str(services.import_estate(SYSTEM, tmp_path)) == "新增：无；更改：无"


def test_every_write_of_an_import_is_journalled(small: Any) -> None:
    assert small.added["系统"] == 2
    assert small.added["依赖"] == 10
    acts = set(Entry.objects.values_list("act", flat=True))
    assert {
        "estate.system.add",
        "estate.component.add",
        "estate.dependency.add",
        "estate.owner.add",
        "estate.window.add",
        "estate.parameter.add",
        "estate.parameter.set",
    } <= acts


def test_a_changed_file_changes_what_differs_and_takes_nothing_away(small: Any, small_files: Path) -> None:
    text = SMALL.replace("name: HIS 数据库", "name: HIS 主数据库").replace("[收费系统]", "[收费系统, 主系统]")
    text = text.replace("  - {code: LINE, name: 医保专线, kind: link, aliases: [专线]}\n", "").replace(
        ", connects: [LINE]", ""
    )
    (small_files / "all.yaml").write_text(text, encoding="utf-8")
    done = services.import_estate(SYSTEM, small_files)
    assert str(done) == "新增：无；更改：系统 1、部件 1"
    assert Component.objects.get(code="HIS-DB").name == "HIS 主数据库"
    assert Component.objects.filter(code="LINE").exists()
    assert Dependency.objects.filter(target="component:LINE").count() == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("kind: host", "kind: 主机"), "all.yaml 第 17 行：components[0].kind：“主机” 不在可选值之中"),
        (("runs_on: [HOST]", "runs_on: [HOTS]"), "没有代码为“HOTS”的部件或接口"),
        (("runs_on: [HOST]", "runs_on: [HIS-APP]"), "不能是“运行于”"),
        (("code: GH002", "code: SF003"), "代码“SF003”重复"),
        (("code: LINE,", "code: HOST,"), "代码“HOST”重复"),
        (("subsystem: his-charge, name: 收费", "subsystem: his-chrage, name: 收费"), "HIS 没有代码为“his-chrage”的子系统"),
        (("system: YB, name: 医保结算", "system: YBB, name: 医保结算"), "没有代码为“YBB”的系统"),
        (("weekdays: \"23\"", "weekdays: \"89\""), "systems[0].windows[0].weekdays"),
        (("code: HIS-DB", "code: HIS 库"), "components[2].code"),
        (("meaning: 几点放号, ", ""), "缺少“meaning”"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_whole_with_line_and_field(
    people: Any, small_files: Path, change: tuple[str, str], said: str
) -> None:
    assert change[0] in SMALL
    (small_files / "all.yaml").write_text(SMALL.replace(*change), encoding="utf-8")
    with pytest.raises(services.EstateRefused) as refused:
        services.import_estate(SYSTEM, small_files)
    assert said in str(refused.value)
    assert said in "\n".join(services.check_estate(small_files))
    assert not System.objects.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("person: liu", "person: nobody"), "没有工号为“nobody”的人员"),
        (("vendor: vendor", "vendor: none"), "没有代码为“none”的单位"),
        (("departments: [门诊收费处]", "departments: [外太空]"), "没有“外太空”这个科室"),
    ],
)
def test_people_who_are_not_there_are_asked_for_first_or_left_out(
    people: Any, small_files: Path, change: tuple[str, str], said: str
) -> None:
    (small_files / "all.yaml").write_text(SMALL.replace(*change), encoding="utf-8")
    with pytest.raises(services.EstateRefused, match=said):
        services.import_estate(SYSTEM, small_files)
    assert not System.objects.exists()
    done = services.import_estate(SYSTEM, small_files, skip_missing=True)
    assert any(said in s for s in done.skipped)
    assert System.objects.count() == 2


def test_only_those_who_maintain_the_estate_import(people: Any, small_files: Path, actor: Any) -> None:
    with pytest.raises(Denied):
        services.import_estate(actor("rnd"), small_files)
