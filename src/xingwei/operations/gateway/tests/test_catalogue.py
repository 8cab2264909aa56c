"""Publishing, asking, approving, ending; the list of integrations."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone

from xingwei.base.estate.models import Interface, System
from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import system_actor
from xingwei.operations.gateway.models import Service, Subscription
from xingwei.operations.gateway.services import catalogue

from . import traffic

pytestmark = pytest.mark.django_db


@pytest.mark.clause("7.5", "7.3", "7.2")
def test_a_service_is_published_asked_for_approved_by_its_owner_and_ends(as_role: Any) -> None:
    source = traffic.channel("adt", direction="in", system="ESB", name="患者与就诊")
    emr = System.objects.create(code="EMR", name="专业版病历", short_name="病历")
    owner, asker = as_role("onsite_engineer"), as_role("rnd")
    form = {
        "code": "adt-events", "name": "患者入出转事件", "kind": "event", "system": source.system_id,
        "channel": source.pk, "types": "ADT^A01，ADT^A03", "protocol": "HL7 2.4", "description": "入院、出院、转科时推送",
    }  # fmt: skip
    assert owner.post("/gateway/services/new/", form).status_code == 302
    again = owner.post("/gateway/services/new/", form)
    assert again.status_code == 422
    row = Service.objects.get()
    assert (row.types, row.owner_id, row.state) == (["ADT^A01", "ADT^A03"], owner.user.pk, "draft")

    want = {"system": emr.pk, "purpose": "病历自动建档"}
    assert "没有发布" in asker.post("/gateway/services/adt-events/subscribe/", want).content.decode()
    owner.post("/gateway/services/adt-events/publish/")
    assert asker.post("/gateway/services/adt-events/subscribe/", want).status_code == 302
    assert "已订阅或已申请" in asker.post("/gateway/services/adt-events/subscribe/", want).content.decode()
    subscription = Subscription.objects.get()
    assert Notification.objects.filter(person=owner.user, kind="gateway.service").exists()

    url = f"/gateway/subscriptions/{subscription.pk}/"
    asker.post(url + "approve/")  # not its owner
    assert Subscription.objects.get().state == "requested"
    soon = (timezone.localdate() + dt.timedelta(days=2)).isoformat()
    owner.post(url + "approve/", {"ends_on": soon})
    assert Subscription.objects.get().state == "in_force"
    assert "病历" in owner.get("/gateway/services/adt-events/").content.decode()
    assert catalogue.by_date(timezone.localdate() + dt.timedelta(days=2)) == 0
    assert catalogue.by_date(timezone.localdate() + dt.timedelta(days=3)) == 1
    assert Subscription.objects.get().ended_why == "到期"
    owner.post("/gateway/services/adt-events/edit/", form | {"name": "患者入出转", "code": "adt-events"})
    assert Service.objects.get().version == 2


def test_the_list_of_integrations_names_channels_and_services(as_role: Any, django_assert_max_num_queries: Any) -> None:
    out = traffic.channel("yb-center", name="医保中心")
    interface = Interface.objects.create(
        system=out.system, code="yb-2207", name="2207 门诊结算", direction="out", peer="医保中心", protocol="HTTP"
    )
    out.interface = interface
    out.save()
    client = as_role("it_staff")
    with django_assert_max_num_queries(44):
        page = client.get("/gateway/integrations/").content.decode()
    assert "2207 门诊结算" in page
    text = b"".join(client.get("/gateway/integrations/?format=csv&through=1").streaming_content).decode("utf-8-sig")
    assert "医保中心" in text.splitlines()[1]


def test_the_services_that_come_with_the_product_come_in_once() -> None:
    path = Path(__file__).resolve().parents[5] / "gateways" / "guangyuan" / "services.yaml"
    items = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    for code in {code for i in items for code in (i["system"], *i["subscribers"])}:
        System.objects.create(code=code, name=code, short_name=code)
    assert catalogue.import_services(system_actor(), items) == (len(items), sum(len(i["subscribers"]) for i in items))
    assert catalogue.import_services(system_actor(), items) == (0, 0)
    assert set(Service.objects.values_list("state", flat=True)) == {"published"}
    assert set(Subscription.objects.values_list("state", flat=True)) == {"in_force"}


def test_the_same_over_http_with_the_same_rights_and_the_same_two_persons(api_as: Any) -> None:
    source = traffic.channel("adt", direction="in", system="ESB", name="患者与就诊")
    System.objects.create(code="EMR", name="专业版病历", short_name="病历")
    owner, asker = api_as("onsite_engineer"), api_as("rnd")

    def send(client: Any, path: str, body: dict[str, Any], method: str = "post") -> Any:
        found = getattr(client, method)(f"/api/v1/gateway{path}", data=body, content_type="application/json")
        return found.status_code, found.json()

    new = {"code": "adt-events", "name": "入出转事件", "kind": "event", "system": "ESB", "channel": source.code,
           "types": ["ADT^A01"], "protocol": "HL7 2.4", "description": "入院、出院、转科时推送"}  # fmt: skip
    assert send(owner, "/services", new | {"system": "NO"})[0] == 409
    assert "没有代码为“NO”的" in send(owner, "/services", new | {"system": "NO"})[1]["detail"]
    assert send(owner, "/services", new | {"kind": "else"})[0] == 409
    status, made = send(owner, "/services", new)
    assert (status, made["state"], made["types"], made["channel"]) == (200, "draft", ["ADT^A01"], "adt")
    assert send(owner, "/services", new)[0] == 409

    want = {"system": "EMR", "purpose": "病历自动建档"}
    assert send(asker, "/services/adt-events/subscriptions", want)[0] == 409  # not yet published
    assert send(owner, "/services/adt-events/publish", {})[1]["state"] == "published"
    assert send(owner, "/services/adt-events", {"name": "患者入出转"}, "patch")[1]["version"] == 2
    status, asked = send(asker, "/services/adt-events/subscriptions", want)
    assert (status, asked["state"]) == (200, "requested")
    decide = f"/subscriptions/{asked['id']}/decide"
    assert send(asker, decide, {"agreed": True})[0] == 404  # not its owner: not theirs to decide
    assert send(owner, decide, {"agreed": False})[0] == 409  # without a reason
    assert send(owner, decide, {"agreed": True})[1]["state"] == "in_force"
    status, own = send(owner, "/services/adt-events/subscriptions", {"system": "EMR", "purpose": "再要一份"})
    assert status == 409
    assert "已订阅" in own["detail"]
    assert send(owner, f"/subscriptions/{asked['id']}/end", {"reason": "改走别的接口"})[0] == 200
    status, own = send(owner, "/services/adt-events/subscriptions", want)
    assert "不能批准自己的申请" in send(owner, f"/subscriptions/{own['id']}/decide", {"agreed": True})[1]["detail"]
    assert send(owner, "/services/adt-events/retire", {"reason": "平台下线"})[1]["state"] == "retired"
    acts = set(Entry.objects.filter(act__startswith="gateway.s").values_list("act", flat=True))
    assert acts >= {"gateway.service.add", "gateway.service.change", "gateway.service.published",
                    "gateway.subscription.request", "gateway.subscription.decide", "gateway.subscription.end"}  # fmt: skip
    assert send(api_as("auditor"), "/services", new)[0] == 403
