"""A small hospital for the tests of the gateway's pages: a CBC analyser, the LIS, messages and deliveries."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from django.db import connection
from django.utils import timezone

from xingwei.base.estate.models import System
from xingwei.operations.gateway.channels import base as kinds
from xingwei.operations.gateway.models import (
    Channel,
    CodeMap,
    CodeMapVersion,
    Delivery,
    Message,
    Queued,
    Route,
    RouteVersion,
)

ORU = (
    "MSH|^~\\&|ELite 580|Erba|||20260318101455||ORU^R01|{control}|P|2.3.1||||||UNICODE\r"
    "PID|1||{patient}||张兰^^^||19680304|F|||幸福路 1 号||13812345678\r"
    "OBR|1||{barcode}|01001^Automated Count^99MRC||20260318101430\r"
    "OBX|1|NM|6690-2^WBC^LN||8.93|10*3/uL|4.00-10.00|~N|||F\r"
    "OBX|2|NM|718-7^HGB^LN||11.7|g/dL|11.0-16.0|~N|||F\r"
)
_ids = itertools.count(9_000_000)


def kind(code: str = "mllp", document: str = "hl7") -> None:
    """A kind for tests where the real one is not there."""
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["port"],
        "properties": {
            "host": {"title": "主机", "type": "string", "maxLength": 100},
            "port": {"title": "端口", "type": "integer", "minimum": 1, "maximum": 65535},
        },
    }
    try:
        kinds.kind(code)
    except kinds.ChannelProblem:
        make: Any = lambda *a: None  # noqa: E731
        kinds.register(kinds.Kind(code, code.upper(), schema, listener=make, sender=make, document=document))


def system(code: str) -> System:
    found, _ = System.objects.get_or_create(code=code, defaults={"name": f"{code} 系统", "short_name": code})
    return found


def channel(code: str, direction: str, **values: Any) -> Channel:
    kind()
    return Channel.objects.create(
        code=code,
        direction=direction,
        kind=values.pop("kind", "mllp"),
        name=values.pop("name", code),
        peer=values.pop("peer", code.split("-", maxsplit=1)[0].upper()),
        zone=values.pop("zone", "core"),
        system=system(values.pop("system", "DEV")),
        settings=values.pop("settings", {"port": 26001}),
        **values,
    )


RULES = {
    "to": ["lis-in"],
    "key": ["OBR-3"],
    "rules": [
        {"id": "R-022", "name": "g/dL → g/L，乘 10", "do": "scale", "path": "OBX[*]-5", "factor": "10",
         "when": [{"path": "OBX[*]-6", "equals": "g/dL"}], "unit": {"path": "OBX[*]-6", "value": "g/L"}},
    ],
}  # fmt: skip


def route(source: Channel, document: dict[str, Any] | None = None, code: str = "hem-02", **values: Any) -> RouteVersion:
    made = Route.objects.create(code=code, name=values.pop("name", "血球结果"), source=source, system=source.system)
    return RouteVersion.objects.create(
        route=made, number=1, state="released", document=document or RULES, released_at=timezone.now(), **values
    )


def code_map(code: str, pairs: dict[str, str], system_code: str = "DEV") -> CodeMapVersion:
    made = CodeMap.objects.create(code=code, name=code, system=system(system_code))
    return CodeMapVersion.objects.create(map=made, number=1, state="released", document={"pairs": pairs})


def message(source: Channel, raw: bytes | None = None, **values: Any) -> Message:
    pk = values.pop("id", None) or next(_ids)
    patient = values.pop("patient", "P0012186")
    control = values.pop("control_id", f"c{pk}")
    body = raw if raw is not None else ORU.format(control=control, patient=patient, barcode=f"26{pk}").encode()
    return Message.objects.create(
        id=pk,
        received_at=values.pop("received_at", timezone.now()),
        channel_id=source.pk,
        state=values.pop("state", "accepted"),
        control_id=control,
        type=values.pop("type", "ORU^R01"),
        key=values.pop("key", f"26{pk}"),
        patient=patient,
        reference=values.pop("reference", f"26{pk}"),
        size=len(body),
        digest=b"\x9f" * 32,
        raw=body,
        peer="10.20.8.41",
        targets=values.pop("targets", 1),
        **values,
    )


def queued(of: Message, target: Channel, version: RouteVersion | None = None, **values: Any) -> Queued:
    return Queued.objects.create(
        id=next(_ids),
        message_id=of.id,
        message_at=of.received_at,
        channel_id=target.pk,
        route_version_id=version.pk if version else None,
        order_key=of.key,
        state=values.pop("state", "waiting"),
        queued_at=of.received_at,
        size=of.size,
        **values,
    )


def delivered(of: Message, target: Channel, version: RouteVersion | None = None, **values: Any) -> Delivery:
    return Delivery.objects.create(
        id=next(_ids),
        done_at=values.pop("done_at", of.received_at + dt.timedelta(milliseconds=40)),
        message_id=of.id,
        message_at=of.received_at,
        channel_id=target.pk,
        route_version_id=version.pk if version else None,
        order_key=of.key,
        outcome=values.pop("outcome", "delivered"),
        queued_at=of.received_at,
        latency_us=12_000,
        **values,
    )


def ids_from(start: int) -> None:
    """Move the ids' sequence past what tests have used."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('gateway_ids', %s)", [start])
