from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from xingwei.operations.gateway.channels.fhir.listener import FhirListener
from xingwei.operations.gateway.channels.fhir.sender import FhirSender
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon
from xingwei.operations.gateway.tests.captures import shared

OBSERVATION = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"text": "K"},
    "subject": {"reference": "Patient/7"},
}


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


async def send(port: int, body: Any, path: str, method: str = "POST") -> tuple[int, str]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{port}/fhir{path}", data=raw) as answer,
    ):
        assert answer.content_type == "application/fhir+json"
        return answer.status, (await answer.json(content_type=None))["issue"][0]["details"]["text"]


def test_resources_and_bundles_are_taken_or_refused_with_an_outcome() -> None:
    bundle = shared("fhir", "ms-samples", "ObservationBundle.json").read_bytes()

    async def work() -> None:
        intake = FakeIntake()
        listener = FhirListener(
            channel("fhir", {"port": 0, "path": "/fhir/", "resources": ["Observation", "Bundle"]}), intake
        )
        await listener.start()
        port = listener.port
        assert await send(port, OBSERVATION, "/Observation") == (200, "已收下")
        assert (intake.got[0].type, intake.got[0].patient, intake.got[0].key) == ("Observation", "7", "7")
        assert (await send(port, OBSERVATION, "/Observation/o1", "PUT"))[0] == 200
        assert (await send(port, bundle, "/"))[0] == 200
        for body, path, method, why in [
            (OBSERVATION, "/Patient", "POST", "地址里是 Patient"),
            (OBSERVATION, "/Observation/o2", "PUT", "更新（PUT）"),
            (OBSERVATION, "/", "POST", "类型地址"),
            ({"resourceType": "Patient"}, "/Patient", "POST", "不接收 Patient"),
            ({"resourceType": "Observation"}, "/Observation", "POST", "缺少 status"),
            (b"\xff", "/Observation", "POST", "JSON"),
        ]:
            status, said = await send(port, body, path, method)
            assert (status, why in said) == (422, True), said
        assert [bool(got.problem) for got in intake.got] == [False] * 3 + [True] * 6
        await listener.stop()

    run(work)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (201, (True, False, False)),
        (400, (False, True, False)),
        (422, (False, False, True)),
        (503, (False, False, False)),
        (429, (False, False, False)),
    ],
)
def test_what_a_fhir_server_says(status: int, expected: tuple[bool, bool, bool]) -> None:
    seen: list[Any] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((request.method, request.path, request.content_type))
        return web.json_response(
            {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "没有这个患者"}]}, status=status
        )

    async def work() -> None:
        runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/r4"
        sender = FhirSender(channel("fhir", {"url": url}, direction="out"))
        one = outgoing(json.dumps(OBSERVATION).encode())
        answer = await sender.send(one, soon())
        assert (answer.ok, answer.permanent, answer.business) == expected
        assert answer.ok or answer.text == "没有这个患者"
        assert sender.can_repeat(one)
        new = outgoing(json.dumps({**OBSERVATION, "id": "o1"} | {"id": "x"}).encode().replace(b'"id": "x", ', b""))
        await sender.send(new, soon())
        assert not sender.can_repeat(new)
        bundle = outgoing(b'{"resourceType":"Bundle","type":"collection"}')
        await sender.send(bundle, soon())
        assert [(method, path) for method, path, _ in seen] == [
            ("PUT", "/r4/Observation/o1"),
            ("POST", "/r4/Observation"),
            ("POST", "/r4"),
        ]
        assert (await sender.send(outgoing(b"{}"), soon())).permanent
        assert len(seen) == 3, "what is no resource never leaves"
        await sender.close()
        await runner.cleanup()

    run(work)
