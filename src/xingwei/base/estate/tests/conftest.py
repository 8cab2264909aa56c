from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xingwei.base.estate import services
from xingwei.base.estate.services import Imported
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.testing.people import department, make_person, organisation

SYSTEM: Actor = system_actor("command")

SMALL = """
systems:
  - code: HIS
    name: HIS 系统
    short_name: HIS
    vendor: vendor
    aliases: [收费系统]
    owners: [{person: liu}, {person: he, part: business}]
    windows: [{kind: maintenance, weekdays: "23", from: "23:30", to: "01:30", note: 夜间}]
    subsystems: [{code: his-charge, name: 门诊收费系统, aliases: [收费窗口]}]
  - {code: YB, name: 医保接口, short_name: 医保接口, tier: interface}
functions:
  - {code: charge, system: HIS, subsystem: his-charge, name: 收费, window: true, departments: [门诊收费处], needs: [HIS-APP]}
  - {code: settle, system: YB, name: 医保结算, window: true, departments: [门诊收费处], needs: [yb-2207, HIS-APP]}
  - {code: order, system: HIS, name: 医嘱保存, department_kinds: [clinical], needs: [HIS-APP]}
components:
  - {code: HOST, name: 数据库主机, kind: host, responsible: hospital}
  - {code: LINE, name: 医保专线, kind: link, aliases: [专线]}
  - {code: HIS-DB, system: HIS, name: HIS 数据库, kind: database, address: "10.10.1.12:1521", runs_on: [HOST]}
  - {code: HIS-APP, system: HIS, name: HIS 应用, kind: application, stores_in: [HIS-DB]}
  - {code: CENTER, name: 医保中心结算服务, kind: third_party, connects: [LINE]}
interfaces:
  - {code: yb-2207, system: YB, name: 2207 门诊结算, direction: out, peer: 医保中心, peer_organisation: ybzx,
     aliases: [医保无法收费], fallback: 按自费挂账, calls: [HIS-APP, CENTER], connects: [LINE], owners: [{person: liu}]}
parameters:
  - {system: HIS, subsystem: his-charge, code: SF003, name: 抹零方式, meaning: 现金收费时分角如何取舍, allowed: 不抹零 / 舍去分,
     default: 舍去分, value: 不抹零, effect: 产生与医保中心的分币差异, advice: 保持不抹零}
  - {system: HIS, code: GH002, name: 放号时间, meaning: 几点放号, default: "07:00"}
"""


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    """Whom SMALL names: 刘工, 何科长, three departments, three organisations."""
    organisation("hospital"), organisation("vendor"), organisation("third")
    department("门诊收费处", "window", "1001")
    department("心内科", "clinical", "2002")
    department("信息科", "admin", "4001")
    out = {}
    for username, name, role in (("liu", "刘洋", "onsite_engineer"), ("he", "何立群", "it_head")):
        person = make_person(role, name=name)
        person.username = username
        person.save()
        out[username] = person
    return out


@pytest.fixture
def small_files(tmp_path: Path) -> Path:
    path = tmp_path / "small"
    path.mkdir()
    (path / "all.yaml").write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def small(people: dict[str, Any], small_files: Path) -> Imported:
    """A small estate in the database."""
    return services.import_estate(SYSTEM, small_files)
