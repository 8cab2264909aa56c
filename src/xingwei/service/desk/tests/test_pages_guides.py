"""Guides beside the desk's work, from outside: offered while one types, shown on the case, counted when they helped."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from xingwei.service.desk.models import Case
from xingwei.service.knowledge import services as knowledge
from xingwei.service.knowledge.models import Guide
from xingwei.service.knowledge.services import GuideInput

WORDS = "医保结算一直转圈，提示中心处理超时"


@pytest.fixture
def guides(house: SimpleNamespace) -> dict[str, Guide]:
    """One for everybody, one for technicians."""
    made = {}
    for slug, title, audience in (
        ("yb-users", "医保结算超时窗口怎么办", Guide.Audience.USERS),
        ("yb-technicians", "医保结算超时六层排查", next(a for a in Guide.Audience if a != Guide.Audience.USERS)),
    ):
        given = GuideInput(
            title=title, text="## 先看提示\n\n中心处理超时。", system=house.systems["YB"], keywords="医保 结算 超时 转圈",
            audience=audience,
        )  # fmt: skip
        made[slug] = knowledge.create_guide(house.wang_, slug, given)
        knowledge.publish(house.wang_, made[slug])
    return made


@pytest.mark.clause("2.5")
def test_guides_are_offered_while_a_call_is_typed(
    house: SimpleNamespace, guides: dict[str, Guide], as_role: Any
) -> None:
    zhou = as_role(user=house.zhou)
    page = zhou.post(reverse("desk:guess"), {"description": WORDS}).content.decode()
    assert "医保结算超时六层排查" in page
    assert "医保结算超时窗口怎么办" in page
    zhou.post("/desk/new/", {"caller": "8236", "description": WORDS})
    assert {g.offered for g in Guide.objects.all()} == {1}, "counted once, when the case is sent"


@pytest.mark.clause("2.5")
def test_a_reporter_is_offered_what_is_written_for_reporters(
    house: SimpleNamespace, guides: dict[str, Guide], as_role: Any
) -> None:
    page = as_role(user=house.li).post(reverse("desk:offered"), {"description": WORDS}).content.decode()
    assert "医保结算超时窗口怎么办" in page
    assert "六层排查" not in page
    assert as_role(user=house.li).post(reverse("desk:offered"), {"description": "坏了"}).content.decode().strip() == ""


@pytest.mark.clause("2.5")
def test_a_guide_that_helped_is_counted_once_a_case(
    house: SimpleNamespace, guides: dict[str, Guide], incident: Callable[..., Case], as_role: Any
) -> None:
    case, wang = incident(), as_role(user=house.wang)
    guide = guides["yb-technicians"]
    assert guide in wang.get(case.get_absolute_url()).context["guides"]
    url = reverse("desk:helped", args=[case.number, guide.pk])
    for _ in range(2):
        assert wang.post(url, follow=True).status_code == 200
    guide.refresh_from_db()
    assert guide.helped == 1
    as_role(user=house.li).post(reverse("desk:helped", args=[case.number, guide.pk]))
    guide.refresh_from_db()
    assert guide.helped == 1, "a reporter does not reach what is written for technicians"
