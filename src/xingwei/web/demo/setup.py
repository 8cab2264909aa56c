"""The demonstration's set-up steps: an invented hospital with people, systems, a rota, a contract in force, and a year."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from xingwei.base.accounts.services import import_people
from xingwei.base.estate.services import import_estate
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.config import REPO
from xingwei.base.runtime.setup import Report, step
from xingwei.service.contract import services as contracts
from xingwei.service.desk.models import Case
from xingwei.service.rota.services import import_rota

from . import PASSWORD, year

PEOPLE = Path(__file__).with_name("people.yaml")
ESTATE = REPO / "estates" / "guangyuan"
ROTA = REPO / "rotas" / "guangyuan.yaml"
CONTRACT = REPO / "contracts" / "guangyuan-2025"
TOTAL = Decimal("1280000.00")


@step(20, "建立演示账号", demo=True, files=(PEOPLE,))
def people(report: Report) -> None:
    import_people(system_actor("command"), PEOPLE, password=PASSWORD, progress=report)


@step(30, "登记十个系统", demo=True, files=(ESTATE,))
def estate(report: Report) -> None:
    import_estate(system_actor("command"), ESTATE, progress=report)


@step(50, "启用合同", demo=True)
def contract(report: Report) -> None:
    """The contract year began with the quarter before last, so that one quarter is whole and one runs."""
    actor = system_actor("command")
    starts = (timezone.localdate() - dt.timedelta(days=year.DAYS + 1)).replace(day=1)
    ends = starts.replace(year=starts.year + 3) - dt.timedelta(days=1)
    version = contracts.import_contract(actor, CONTRACT)
    contracts.put_in_force(actor, version, starts_on=starts, ends_on=ends, total=TOTAL)


@step(60, "排好值班", demo=True, files=(ROTA,))
def rota(report: Report) -> None:
    import_rota(system_actor("command"), ROTA, overwrite=False)


@step(90, "演示医院的一年", demo=True)
def lived_year(report: Report) -> None:
    if not Case.objects.exists():
        year.live(timezone.now(), days=settings.CONFIG.demo_days, progress=report)
