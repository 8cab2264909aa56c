"""The HIS calls in, the platform is called with signatures, and what became of a lost answer is found out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from xingwei.operations.gateway.channels.base import (
    CallFailed,
    ChannelProblem,
    NotSent,
    NotThere,
    Settled,
    Unclear,
    Unknown,
)
from xingwei.operations.gateway.channels.insurance.listener import InsuranceListener
from xingwei.operations.gateway.channels.insurance.sender import InsuranceSender
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon

HEAD = {
    "infno": "2207",
    "msgid": "H44051200001202611250830001234"[:30],
    "mdtrtarea_admvs": "440500",
    "insuplc_admdvs": "440500",
    "recer_sys_code": "MBS_LOCAL",
    "infver": "V1.0",
    "opter_type": "1",
    "opter": "01",
    "opter_name": "张三",
    "inf_time": "2026-11-25 08:30:00",
    "fixmedins_code": "H44051200001",
    "fixmedins_name": "光远医院",
    "sign_no": "1",
}
BODY = {**HEAD, "input": {"data": {"psn_no": "P1", "mdtrt_id": "M1", "medfee_sumamt": 10.5}}}
RAW = json.dumps(BODY, ensure_ascii=False).encode()
GOOD = {"infcode": 0, "err_msg": "", "output": {"setlinfo": {"setl_id": "S1"}}}


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))


async def post(port: int, body: bytes, path: str = "/yb/fsi/api/rsfComIfsService/callService") -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{port}{path}", data=body) as answer:
        return answer.status, await answer.json(content_type=None)


def test_a_call_of_the_his_is_carried_and_answered() -> None:
    async def work() -> None:
        intake = FakeIntake(json.dumps(GOOD).encode())
        listener = InsuranceListener(channel("insurance", {"port": 0, "path": "/yb/"}), intake)
        await listener.start()
        assert await post(listener.port, RAW) == (200, GOOD)
        got = intake.called[0]
        assert (got.raw, got.type, got.control_id, got.patient, got.reference) == (
            RAW,
            "2207",
            HEAD["msgid"],
            "P1",
            "M1",
        )
        intake.answer = CallFailed("医保中心暂停，请先按自费收费，恢复后补结", "unavailable", "M-1")
        status, said = await post(listener.port, RAW)
        assert (status, said["infcode"], said["err_msg"], said["outcome"]) == (
            200,
            -1,
            "医保中心暂停，请先按自费收费，恢复后补结",
            "unavailable",
        )
        status, said = await post(listener.port, b'{"infno":"2207"}')
        assert "缺少 msgid" in said["err_msg"]
        assert intake.got[0].problem == said["err_msg"], "kept aside"
        intake.overloaded = "队列已满"
        assert (await post(listener.port, RAW))[1]["err_msg"] == "队列已满"
        await listener.stop()

    run(work)


def test_a_file_passes_as_it_is() -> None:
    async def work() -> None:
        intake = FakeIntake(b"PK\x03\x04zip")
        listener = InsuranceListener(channel("insurance", {"port": 0, "path": "/yb/"}), intake)
        await listener.start()
        form = aiohttp.FormData()
        form.add_field("jsonStr", RAW.decode().replace("2207", "9101"))
        form.add_field("file", b"\x00\x01", filename="a.zip")
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{listener.port}/yb/x", data=form) as answer,
        ):
            assert answer.content_type == "application/octet-stream"
            assert await answer.read() == b"PK\x03\x04zip"
        assert (intake.called[0].type, intake.called[0].control_id) == ("9101", HEAD["msgid"])
        await listener.stop()

    run(work)


class Platform:
    """Answers by the transaction's number."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    async def __aenter__(self) -> Platform:
        self.runner = web.ServerRunner(web.Server(self.handle), shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        document = json.loads(await request.read())
        self.seen.append((request.path, dict(request.headers), document))
        answer = self.answers["i" + document["infno"]]
        if answer == "hang":
            await asyncio.sleep(5)
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(
            text=json.dumps(answer, ensure_ascii=False),
            status=answer.pop("_status", 200) if isinstance(answer, dict) else 200,
        )


def sender(url: str, **settings: Any) -> InsuranceSender:
    return InsuranceSender(channel("insurance", {"url": url, "grace_s": 0, **settings}, direction="out"))


def refused(text: str, **more: Any) -> dict[str, Any]:
    return {"infcode": -1, "err_msg": text, "output": None, **more}


def test_requests_are_signed_as_the_province_wants() -> None:
    from gmssl import sm3
    from tongsuopy.crypto import hashes, serialization
    from tongsuopy.crypto.asymciphers import ec

    private = ec.generate_private_key(ec.SM2())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    async def work() -> None:
        async with Platform(i2207=GOOD) as platform:
            out = sender(
                platform.url, style="paths", headers="hmac_sha1", body="sm2", access_key="ak", secret="sk", sm2_key=pem
            )
            assert (await out.send(outgoing(RAW, "2207"), soon())).ok
            path, headers, document = platform.seen[0]
            assert path == "/fsi/api/outpatientSettleService/saveSettletmentV2"
            assert headers["_api_name"] == "2207"
            assert len(headers["_api_signature"]) == 28
            assert document["signtype"] == "SM2"
            import base64

            text = "&".join(f"{k}={v}" for k, v in sorted(document.items()) if k not in ("cainfo", "input"))
            private.public_key().verify(base64.b64decode(document["cainfo"]), text.encode(), ec.ECDSA(hashes.SM3()))
            await out.close()
            plain = sender(platform.url)
            assert (await plain.send(outgoing(RAW, "2207"), soon())).raw == json.dumps(GOOD).encode()
            assert platform.seen[1][2] == BODY, "what the HIS signed passes as it is"
            await plain.close()

    assert sm3
    run(work)


def test_keys_that_are_missing_are_asked_for() -> None:
    for settings, why in (
        ({"body": "sm2"}, "SM2 私钥"),
        ({"headers": "sm3"}, "访问密钥"),
        ({"body": "sm2", "sm2_key": "x"}, "不是 PEM"),
    ):
        with pytest.raises(ChannelProblem, match=why):
            sender("http://127.0.0.1:9", **settings)


@pytest.mark.parametrize(
    ("answer", "ok", "business"),
    [
        (GOOD, True, False),
        (refused("该参保人的基本信息为空"), False, True),
        (refused("系统繁忙，请稍后"), False, False),
        ({"code": 401, "message": "签名不一致!"}, False, False),
    ],
)
def test_refusals_and_failures_are_told_apart(answer: Any, ok: bool, business: bool) -> None:
    async def work() -> None:
        async with Platform(i2207=dict(answer)) as platform:
            out = sender(platform.url)
            got = await out.send(outgoing(RAW, "2207"), soon())
            assert (got.ok, got.business) == (ok, business)
            await out.close()

    run(work)


@pytest.mark.parametrize("answer", ["hang", "cut", {"_status": 502}, refused("Read timed out"), "garbage"])
def test_a_settlement_that_may_have_gone_through_is_not_taken_for_refused(answer: Any) -> None:
    async def work() -> None:
        async with Platform(i2207=answer) as platform:
            out = sender(platform.url)
            with pytest.raises(Unknown):
                await out.send(outgoing(RAW, "2207"), soon(0.4))
            assert not out.can_repeat(outgoing(RAW, "2207"))
            assert out.can_repeat(outgoing(RAW, "1101"))
            await out.close()

    run(work)


def test_nothing_leaves_where_the_platform_is_not_there_or_the_transaction_unknown() -> None:
    async def work() -> None:
        out = sender("http://127.0.0.1:9")
        with pytest.raises(NotSent, match="连不上"):
            await out.send(outgoing(RAW, "2207"), soon())
        await out.close()
        out = sender("http://127.0.0.1:9", style="paths")
        with pytest.raises(NotSent, match="没有配置服务地址"):
            await out.send(outgoing(RAW.replace(b"2207", b"8888"), "8888"), soon())
        await out.close()

    run(work)


def found(**info: Any) -> dict[str, Any]:
    return {
        "infcode": 0,
        "output": {"setlinfo": {"setl_id": "S9", "medins_setl_id": HEAD["msgid"], "refd_setl_flag": "0", **info}},
    }


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (found(), Settled),
        (found(medins_setl_id="x"), Unclear),
        (refused("FSI-未查询到结算信息"), NotThere),
        (refused("系统繁忙"), Unclear),
        ("hang", Unclear),
    ],
)
def test_what_became_of_a_settlement_is_asked_of_5203(answer: Any, kind: type) -> None:
    async def work() -> None:
        async with Platform(i2207="hang", i5203=answer) as platform:
            out = sender(platform.url)
            with pytest.raises(Unknown):
                await out.send(outgoing(RAW, "2207"), soon(0.2))
            got = await out.inquire(outgoing(RAW, "2207"), soon(0.4))
            assert type(got) is kind
            question = platform.seen[-1][2]
            assert (question["infno"], question["input"]) == (
                "5203",
                {"data": {"psn_no": "P1", "mdtrt_id": "M1", "setl_id": ""}},
            )
            assert question["msgid"] != HEAD["msgid"]
            assert len(question["msgid"]) == 30
            await out.close()

    run(work)


def test_what_is_not_found_at_once_may_still_be_under_way() -> None:
    async def work() -> None:
        async with Platform(i2207="hang", i5203=refused("未查询到结算信息")) as platform:
            out = sender(platform.url, grace_s=60)
            with pytest.raises(Unknown):
                await out.send(outgoing(RAW, "2207"), soon(0.2))
            got = await out.inquire(outgoing(RAW, "2207"), soon())
            assert isinstance(got, Unclear)
            assert "还在处理" in got.reason
            assert isinstance(await out.inquire(outgoing(RAW, "1101"), soon()), NotThere)
            await out.close()

    run(work)
