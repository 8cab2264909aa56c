"""HTTP channels over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from xingwei.operations.gateway.channels import base
from xingwei.operations.gateway.channels.base import CallFailed, ChannelProblem, NotSent, Unknown
from xingwei.operations.gateway.channels.http import server as shared
from xingwei.operations.gateway.channels.http.listener import HttpListener, moment
from xingwei.operations.gateway.channels.http.sender import HttpSender
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon

EXTRACT = {"control_id": "id", "type": "kind", "patient": "p.no", "reference": "spec", "event_at": "at"}
BODY = {"id": "7", "kind": "label", "p": {"no": "P1"}, "spec": "S-1", "at": "2026-11-25 08:30:00"}


async def listening(intake: FakeIntake, port: int = 0, **settings: Any) -> HttpListener:
    listener = HttpListener(channel("http", {"port": port, "path": "/label/", "extract": EXTRACT, **settings}), intake)
    await listener.start()
    return listener


async def post(port: int, body: bytes, path: str = "/label/x", **headers: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}{path}", data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


def test_a_request_is_stored_and_answered() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        raw = json.dumps(BODY).encode()
        assert await post(listener.port, raw) == (200, {"code": 0, "message": "ok"})
        got = intake.got[0]
        assert (got.raw, got.control_id, got.type, got.patient, got.reference) == (raw, "7", "label", "P1", "S-1")
        assert got.event_at == moment("20261125083000")
        assert got.peer == "127.0.0.1"
        await listener.stop()

    run(work)


def test_what_cannot_be_read_is_kept_aside_and_refused() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        status, said = await post(listener.port, b"{broken")
        assert status == 422
        assert "不是 JSON" in said["message"]
        assert (intake.got[0].raw, intake.got[0].problem[:7]) == (b"{broken", "不是 JSON")
        gbk = json.dumps({**BODY, "name": "王"}, ensure_ascii=False).encode("gb18030")
        assert (await post(listener.port, gbk))[0] == 200
        assert intake.got[1].charset == "gb18030"
        await listener.stop()

    run(work)


def test_a_full_queue_says_later() -> None:
    async def work() -> None:
        intake = FakeIntake()
        intake.overloaded = "队列已满"
        listener = await listening(intake)
        assert await post(listener.port, b"{}") == (503, {"code": 503, "message": "队列已满"})
        await listener.stop()

    run(work)


@pytest.mark.parametrize(("outcome", "status"), [("refused", 422), ("unavailable", 503), ("uncertain", 504)])
def test_a_call_is_answered_by_the_receiver_or_in_words(outcome: Any, status: int) -> None:
    async def work() -> None:
        intake = FakeIntake(b'{"answer":1}')
        listener = await listening(intake, mode="call")
        assert await post(listener.port, b'{"id":"1"}') == (200, {"answer": 1})
        intake.answer = CallFailed("医保暂停，请按自费收费", outcome, "M-1")
        assert (await post(listener.port, b'{"id":"2"}')) == (
            status,
            {"code": status, "message": "医保暂停，请按自费收费", "outcome": outcome, "number": "M-1"},
        )
        assert intake.got == []
        await listener.stop()

    run(work)


def test_channels_share_a_port_by_path() -> None:
    async def work() -> None:
        one, two = FakeIntake(), FakeIntake()
        first = await listening(one)
        second = await listening(two, first.port, path="/label/urgent/")
        await post(first.port, b"{}", "/label/urgent/1")
        await post(first.port, b"{}", "/label/1")
        assert (len(one.got), len(two.got)) == (1, 1)
        assert (await post(first.port, b"{}", "/other"))[0] == 404
        with pytest.raises(ChannelProblem, match="已被另一个通道占用"):
            await listening(FakeIntake(), first.port)
        await first.stop()
        assert (await post(second.port, b"{}", "/label/urgent/1"))[0] == 200, "the other one goes on"
        await second.stop()
        again = await listening(one, second.port)
        await again.stop()

    run(work)


def test_who_may_not_is_told_so() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, token="secret")
        assert (await post(listener.port, b"{}"))[0] == 401
        assert (await post(listener.port, b"{}", Authorization="Bearer secret"))[0] == 200
        await listener.stop()
        elsewhere = await listening(intake, allow=["10.0.0.0/8"])
        assert (await post(elsewhere.port, b"{}"))[0] == 403
        await elsewhere.stop()

    run(work)


def test_oversize_and_slow_requests_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "HEAD_S", 0.2)

    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, limit_mb=0.01, body_s=0.2)
        assert (await post(listener.port, b"x" * 20_000))[0] == 413

        async def chunks() -> Any:
            for _ in range(10):
                yield b"y" * 4096

        url = f"http://127.0.0.1:{listener.port}/label/"
        async with aiohttp.ClientSession() as session, session.post(url, data=chunks()) as answer:
            assert answer.status == 413
        for first in (b"POST /label/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", b"POST /la", b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(first)
            said = await asyncio.wait_for(reader.read(), 5)
            assert (b" 408 " in said) is first.endswith(b"{"), (
                "a body that does not end is answered, a head that does not is cut"
            )
            writer.close()
        assert intake.got == []
        assert "请求没有在时限内收完" in intake.troubles
        await listener.stop()

    run(work)


def test_a_flood_of_connections_is_answered_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST_CONNECTIONS", 20)

    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        lines = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(20)]
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert b"503" in await asyncio.wait_for(reader.read(), 5)
        for _, line in lines:
            line.close()
        writer.close()
        for _ in range(100):
            await asyncio.sleep(0.01)
            if listener._server.connections < 20:
                break
        assert (await post(listener.port, b"{}"))[0] == 200
        await listener.stop()

    run(work)


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\xff" * 100,
        b"GET / HTTP/9\r\n\r\n",
        b"\x0bMSH|^~\\&|\x1c\r",
        b"POST /label/ HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_noise_is_answered_or_cut_and_nothing_breaks(noise: bytes) -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(noise)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert (await post(listener.port, b"{}"))[0] == 200
        await listener.stop()

    run(work)


def test_a_port_that_is_taken_says_so() -> None:
    async def work() -> None:
        other = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        with pytest.raises(ChannelProblem, match="端口被别的程序占用"):
            await listening(FakeIntake(), other.sockets[0].getsockname()[1])
        other.close()

    run(work)


async def receiver(
    handle: Callable[[web.BaseRequest], Coroutine[Any, Any, web.StreamResponse]],
) -> tuple[web.ServerRunner, str]:
    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/in"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"code": 0}, (True, False, False)),
        (200, {"code": 5, "msg": "库存不足"}, (False, False, True)),
        (200, {"code": 9}, (False, False, False)),
        (400, {}, (False, True, False)),
        (422, {"code": 5}, (False, False, True)),
        (500, {}, (False, False, False)),
        (429, {}, (False, False, False)),
        (503, None, (False, False, False)),
    ],
)
def test_what_the_receiver_says(status: int, body: Any, expected: tuple[bool, bool, bool]) -> None:
    seen = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((request.headers["X-Message-Id"], request.headers["Authorization"], await request.read()))
        return web.Response(status=status, text="<html>" if body is None else json.dumps(body))

    async def work() -> None:
        runner, url = await receiver(handle)
        rules = {"success": {"path": "code", "in": ["0"]}, "refusal": {"path": "code", "in": ["5"]}, "message": "msg"}
        sender = HttpSender(channel("http", {"url": url, "token": "t", **rules}, direction="out"))
        answer = await sender.send(outgoing(b'{"a":1}'), soon())
        assert (answer.ok, answer.permanent, answer.business) == expected
        assert answer.code == f"HTTP {status}"
        assert answer.text == "库存不足" or body is None or "msg" not in body
        assert seen == [("C1", "Bearer t", b'{"a":1}')]
        await sender.close()
        await runner.cleanup()

    run(work)


def test_what_surely_did_not_leave_and_what_may_have_arrived() -> None:
    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        await asyncio.sleep(5)
        return web.Response()

    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def work() -> None:
        sender = HttpSender(channel("http", {"url": "http://127.0.0.1:9/x"}, direction="out"))
        with pytest.raises(NotSent, match="连不上对方"):
            await sender.send(outgoing(b"{}"), soon())
        await sender.close()
        for handle, why in ((hang, "没有应答"), (cut, "连接中断")):
            runner, url = await receiver(handle)
            sender = HttpSender(channel("http", {"url": url}, direction="out"))
            with pytest.raises(Unknown, match=why) as caught:
                await sender.send(outgoing(b"{}"), soon(0.3))
            assert caught.value.timeout is (handle is hang)
            await sender.close()
            await runner.cleanup()

    run(work)


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 65536)
        return response

    async def work() -> None:
        runner, url = await receiver(endless)
        sender = HttpSender(channel("http", {"url": url, "reply_mb": 0.5}, direction="out"))
        with pytest.raises(Unknown, match="超过长度上限"):
            await sender.send(outgoing(b"{}"), soon())
        await sender.close()
        await runner.cleanup()

    run(work)


def test_every_kind_has_a_schema_with_chinese_titles() -> None:
    from jsonschema import Draft202012Validator

    for code, kind in base.kinds().items():
        Draft202012Validator.check_schema(dict(kind.schema))
        for name, field in kind.schema["properties"].items():
            assert any("一" <= char <= "鿿" for char in field["title"]) or field["title"] == "TLS", (code, name)
        assert kind.listener or kind.sender
