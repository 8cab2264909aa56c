"""The demonstration's set-up steps."""

from __future__ import annotations

from pathlib import Path

from django.utils import timezone

from xingwei.base.accounts.services import import_people
from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime.setup import Report, step
from xingwei.service.desk.models import Case

from . import PASSWORD, year

PEOPLE = Path(__file__).with_name("people.yaml")


@step(20, "建立演示账号", demo=True, files=(PEOPLE,))
def people(report: Report) -> None:
    import_people(system_actor("command"), PEOPLE, password=PASSWORD, progress=report)


@step(90, "演示医院的一年", demo=True)
def lived_year(report: Report) -> None:
    if not Case.objects.exists():
        year.live(timezone.now(), progress=report)
