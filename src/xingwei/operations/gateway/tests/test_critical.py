"""The critical-value loop from the result message to the doctor, as wards see it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import system_actor
from xingwei.operations.gateway.engine.critical import Limit, Observation, clock, judge
from xingwei.operations.gateway.models import CriticalRule, CriticalValue
from xingwei.operations.gateway.services import critical

from . import traffic

NOW = dt.datetime(2026, 3, 18, 2, 0, tzinfo=dt.UTC)
ORU = (
    "MSH|^~\\&|LIS|H|||20260318095900||ORU^R01|1|P|2.4\rPID|1||P0071||王某某\rPV1|1|I|心内科^^12\r"
    "OBR|1|A1|S1|K|||||||||||||||||20260318095800\r"
    "OBX|1|NM|K^血钾||2.4|mmol/L|3.5-5.3|LL|||F\rOBX|2|NM|NA^血钠||140|mmol/L|137-147||||F\r"
    "OBX|3|NM|GLU^血糖||25.1|mmol/L|3.9-6.1|H|||F\r"
)
RULES = [Limit("K", "血钾", unit="mmol/L", low=Decimal("2.8"), high=Decimal("6.2"), flags=frozenset({"LL", "HH"}))]


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Observation("K", "血钾", "2.8", "mmol/L"), "低于等于 2.8 mmol/L"),
        (Observation("K", "血钾", "2.81", "mmol/L"), None),
        (Observation("K", "血钾", "＞6.2", "mmol/L"), None),  # not a plain number: nothing is guessed
        (Observation("K", "血钾", "> 6.5", "MMOL/L"), "高于等于 6.2 mmol/L"),
        (Observation("K", "血钾", "110", "mg/L"), None),
        (Observation("K", "血钾", "溶血", "mmol/L", flag="L~LL"), "标志 LL"),
        (Observation("NA", "血钠", "1", "mmol/L"), None),
    ],
)
def test_a_result_is_critical_by_flag_or_by_number_in_the_same_unit(seen: Observation, why: str | None) -> None:
    assert judge(seen, "", RULES) == why


@given(received=st.none() | st.integers(0, 100), handled=st.none() | st.integers(0, 100), now=st.integers(0, 200))
def test_a_clock_is_late_exactly_when_its_time_has_passed(received: int | None, handled: int | None, now: int) -> None:
    at = [None if m is None else NOW + dt.timedelta(minutes=m) for m in (received, handled)]
    found = clock(
        NOW, *at, NOW + dt.timedelta(minutes=now), nurse=dt.timedelta(minutes=10), doctor=dt.timedelta(minutes=30)
    )
    if handled is not None:
        assert (found.step, found.doctor_late) == ("done", handled > 30)
    else:
        assert found.step == ("nurse" if received is None else "doctor")
        assert (found.tone == "late") == (now > (10 if received is None else 30))
        assert found.doctor_late == (now > 30)


@pytest.mark.django_db
@pytest.mark.clause("7.3")
def test_a_result_message_goes_round_the_loop_and_each_sees_what_is_theirs(
    as_role: Any, person: Any, time_machine: Any
) -> None:
    time_machine.move_to(NOW, tick=False)
    CriticalRule.objects.create(code="K", name="血钾", unit="mmol/L", low="2.8", flags=["LL"])
    CriticalRule.objects.create(code="GLU", name="血糖", unit="mmol/L", high="22.2")
    source = traffic.channel("lis-report", direction="in", system="LIS")
    nurse, other = as_role("reporter", department="心内科"), as_role("reporter", department="骨科")
    chief = person("medical_affairs")
    message = traffic.message(source, NOW - dt.timedelta(seconds=30), type="ORU^R01", raw=ORU.encode())
    traffic.message(source, NOW - dt.timedelta(seconds=20), type="ORU^R01", raw=b"\x00\xff not hl7")
    assert critical.feed() == 2
    assert critical.feed() == 0
    kalium = CriticalValue.objects.get(code="K")
    assert (kalium.message_id, kalium.patient, kalium.bed, kalium.sample) == (message.id, "P0071", "12", "S1")
    assert Notification.objects.filter(person=nurse.user, kind="gateway.critical", urgent=True).count() == 2
    assert "王某某" not in "".join(Notification.objects.values_list("title", flat=True))

    url = f"/gateway/critical/{kalium.pk}/"
    page = nurse.get(url).content.decode()
    assert "王某某" in page
    assert "护士接收" in nurse.get("/gateway/critical/").content.decode()
    assert other.get(url).status_code == 404
    masked = as_role("it_staff").get(url).content.decode()
    assert "王某某" not in masked
    assert "已遮蔽" in masked

    time_machine.move_to(NOW + dt.timedelta(minutes=12), tick=False)
    assert critical.remind() == 2
    assert critical.remind() == 0
    assert Notification.objects.filter(person=chief, title__contains="还没有护士接收").count() == 2
    nurse.post(url + "receive/", {"doctor": "李医生"})
    assert "请写明怎样处理" in nurse.post(url + "handle/", {"handling": " "}, follow=True).content.decode()
    nurse.post(url + "handle/", {"handling": "静脉补钾，一小时后复查", "doctor": "李医生"})
    kalium.refresh_from_db()
    assert (kalium.state, kalium.received_name, kalium.handled_name) == ("handled", nurse.user.name, "李医生")
    assert "接收超时" in nurse.get(url).content.decode()
    assert other.post(f"/gateway/critical/{CriticalValue.objects.get(code='GLU').pk}/receive/").status_code == 404


@pytest.mark.django_db
def test_without_a_list_the_flags_alone_count() -> None:
    source = traffic.channel("lis-report", direction="in", system="LIS")
    traffic.message(source, NOW, type="ORU^R01", raw=ORU.encode())
    assert critical.feed(NOW + dt.timedelta(minutes=1)) == 1
    rows = [{"code": "GLU", "name": "血糖", "unit": "mmol/L", "high": "22.2"}]
    assert critical.import_rules(system_actor(), rows) == 1
    assert critical.import_rules(system_actor(), rows) == 0
