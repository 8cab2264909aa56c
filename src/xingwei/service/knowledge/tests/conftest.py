from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from xingwei.base.estate.models import BusinessFunction, Subsystem, System
from xingwei.service.knowledge import services
from xingwei.service.knowledge.models import Guide
from xingwei.service.knowledge.services import GuideInput

CODES = ("HIS", "CIS", "LIS", "OPD", "EMR", "ODR", "ESB", "DEV", "YB", "POL")


@pytest.fixture
def systems(db: None) -> dict[str, System]:
    rows = [System(code=c, name=c, short_name=c, order=n) for n, c in enumerate(CODES)]
    found = {s.code: s for s in System.objects.bulk_create(rows)}
    Subsystem.objects.create(system=found["CIS"], code="nurse", name="病区护士工作站")
    BusinessFunction.objects.create(system=found["YB"], code="settle", name="医保结算", window=True)
    return found


@pytest.fixture
def writer(actor: Callable[..., Any]) -> Any:
    return actor("onsite_engineer", name="王工")


@pytest.fixture
def guide(writer: Any, systems: dict[str, System]) -> Guide:
    """A published guide about labels, for everybody."""
    given = GuideInput(
        title="输液瓶签缺规格", text="## 先核对\n\n看到瓶签缺规格，对照医嘱单核对。", summary="怎么核对", system=systems["CIS"],
        keywords="瓶签 规格 手写",
    )  # fmt: skip
    row = services.create_guide(writer, "label", given)
    services.publish(writer, row)
    return Guide.objects.get(pk=row.pk)
