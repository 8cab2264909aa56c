from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from xingwei.operations.gateway.channels.base import CallFailed, NotSent, Unknown
from xingwei.operations.gateway.channels.soap.listener import SoapListener
from xingwei.operations.gateway.channels.soap.sender import SoapSender
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon
from xingwei.operations.gateway.wire import soap

ORDER = soap.wrap('<SendOrder xmlns="urn:exam"><orderNo>E-1</orderNo><name>王</name></SendOrder>')


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


async def post(port: int, body: bytes) -> tuple[int, soap.Envelope]:
    url = f"http://127.0.0.1:{port}/soap/"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers={"Content-Type": "text/xml"}) as answer,
    ):
        return answer.status, soap.parse(await answer.read())


def test_an_operation_is_stored_and_answered_or_refused_by_a_fault() -> None:
    async def work() -> None:
        intake = FakeIntake()
        settings = {
            "port": 0,
            "path": "/soap/",
            "extract": {"reference": "Envelope/Body/SendOrder/orderNo"},
            "receipt": "<ok>",
        }
        listener = SoapListener(channel("soap", settings), intake)
        await listener.start()
        status, said = await post(listener.port, ORDER)
        assert (status, said.operation, soap.payload(said)) == (200, "SendOrderResponse", "<ok>")
        got = intake.got[0]
        assert (got.raw, got.type, got.reference, got.problem) == (ORDER, "SendOrder", "E-1", "")
        assert (await post(listener.port, ORDER.replace(soap.NS["1.1"].encode(), soap.NS["1.2"].encode())))[
            1
        ].version == "1.2"
        status, said = await post(listener.port, b"<a>")
        assert (status, said.fault_code) == (500, "Client")
        status, said = await post(listener.port, b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')
        assert "DOCTYPE" in said.fault
        assert [bool(got.problem) for got in intake.got] == [False, False, True, True]
        intake.overloaded = "队列已满"
        assert (await post(listener.port, ORDER))[1].fault == "队列已满"
        await listener.stop()

    run(work)


def test_a_call_gets_the_receiver_s_envelope_or_a_fault_in_words() -> None:
    async def work() -> None:
        intake = FakeIntake(soap.wrap("<SendOrderResponse><return>7</return></SendOrderResponse>"))
        listener = SoapListener(channel("soap", {"port": 0, "path": "/soap/", "mode": "call"}), intake)
        await listener.start()
        assert soap.payload((await post(listener.port, ORDER))[1]) == "7"
        intake.answer = CallFailed("体检系统暂停", "unavailable")
        status, said = await post(listener.port, ORDER)
        assert (status, said.fault, said.fault_code) == (500, "体检系统暂停", "Server")
        await listener.stop()

    run(work)


RESPONSE = "<SendResponse><return>{}</return></SendResponse>"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, soap.wrap(RESPONSE.format("0")), (True, False, False)),
        (200, soap.wrap(RESPONSE.format("没有这个病人")), (False, False, True)),
        (500, soap.fault("参数不对", client=True), (False, True, False)),
        (500, soap.fault("数据库忙", "1.2", client=False), (False, False, False)),
        (502, b"<html><body>Bad Gateway</body></html>", (False, False, False)),
        (404, b"not here", (False, True, False)),
    ],
)
def test_what_a_service_says(status: int, body: bytes, expected: tuple[bool, bool, bool]) -> None:
    seen: list[Any] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((request.headers["SOAPAction"], soap.parse(await request.read())))
        return web.Response(status=status, body=body)

    async def work() -> None:
        runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        settings = {
            "url": f"http://127.0.0.1:{runner.addresses[0][1]}/",
            "operation": "Send",
            "namespace": "urn:x",
            "parameter": "xml",
            "action": "urn:x/Send",
            "success": "0",
        }
        sender = SoapSender(channel("soap", settings, direction="out"))
        answer = await sender.send(outgoing("<甲>&</甲>".encode()), soon())
        assert (answer.ok, answer.permanent, answer.business) == expected
        action, envelope = seen[0]
        assert (action, envelope.operation, soap.payload(envelope)) == ('"urn:x/Send"', "Send", "<甲>&</甲>")
        await sender.close()
        await runner.cleanup()

    run(work)


def test_an_answer_that_is_no_soap_leaves_a_doubt() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"ok")

    async def work() -> None:
        runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sender = SoapSender(channel("soap", {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/"}, direction="out"))
        with pytest.raises(Unknown, match="不是 SOAP"):
            await sender.send(outgoing(ORDER), soon())
        await sender.close()
        with pytest.raises(NotSent):
            await SoapSender(channel("soap", {"url": "http://127.0.0.1:9/"}, direction="out")).send(
                outgoing(ORDER), soon()
            )
        await runner.cleanup()

    run(work)
