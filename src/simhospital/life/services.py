"""Third parties that answer over HTTP: 合理用药, 处方流转, 药品追溯码, 移动支付, and the laboratory's door for labels."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import web

from simhospital.channels import CHANNELS
from simhospital.channels.book import ChannelBook

from . import points
from .book import Book, digest
from .world import now

_chance = random.Random()  # noqa: S311 - a simulated third party
Json = dict[str, Any]
Answer = Callable[[str, Json], Awaitable[Json]]


@dataclass(slots=True)
class Service:
    """One HTTP server. code: the target of faults. answer: (path, body) → body; raises Wrong."""

    code: str
    host: str
    port: int
    book: Book
    answer: Answer
    usual_s: float = 0.05
    taken: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        app = web.Application(client_max_size=4 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def run(self) -> None:
        """Keep listening until cancelled; away while `system-down` is on."""
        try:
            while True:
                down = points.active("system-down", self.code)
                if down and self._runner is not None:
                    points.did(down, system=self.code)
                    await self.stop()
                elif not down and self._runner is None:
                    try:
                        await self.start()
                    except OSError:
                        self._runner = None
                await asyncio.sleep(0.5)
        finally:
            await self.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if strike := points.active("http-lose", self.code):
            points.did(strike, system=self.code)
            return _torn(request)
        if strike := points.active("http-error", self.code):
            points.did(strike, system=self.code)
            return web.json_response({"message": "服务暂时不可用"}, status=int(strike.get("status", 503)))
        try:
            body = json.loads(raw) if raw else dict(request.query)
            if not isinstance(body, dict):
                raise Wrong("请求体应是 JSON 对象")
            answer = await self._once(request.path, raw, body)
            status = 200
        except ValueError:
            answer, status = {"code": 400, "message": "请求不是 JSON"}, 400
        except Wrong as wrong:
            answer, status = {"code": 400, "message": wrong.text}, 400
        return await self._send(request, answer, status)

    async def _once(self, path: str, raw: bytes, body: Json) -> Json:
        """Do it, or give the answer that this very request has had before (its msg_id tells)."""
        number = str(body.get("msg_id") or "")
        if number and (known := self.book.known(self.code, number, raw)) is not None:
            found: Json = json.loads(known)
            return found
        answer = await self.answer(path, body)
        stored = json.dumps(answer, ensure_ascii=False).encode()
        self.book.took(self.code, number or uuid.uuid4().hex, path, str(body.get("patient_id") or ""), raw, stored)
        self.taken += 1
        return answer

    async def _send(self, request: web.Request, answer: Json, status: int) -> web.StreamResponse:
        if strike := points.active("http-hang", self.code):
            points.did(strike, system=self.code)
            await asyncio.sleep(float(strike.get("seconds", 60)))
            return _torn(request)
        slow = points.active("http-slow", self.code)
        points.did(slow, system=self.code)
        await asyncio.sleep(float(slow.get("seconds", 8)) if slow else self.usual_s * (0.5 + _chance.random()))
        if strike := points.active("http-garbage", self.code):
            points.did(strike, system=self.code)
            return web.Response(text="<html><body>502 Bad Gateway</body></html>", content_type="text/html")
        return web.json_response(answer, status=status)


class Wrong(Exception):
    """The request cannot be answered; a Chinese sentence says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _torn(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


async def review(path: str, body: Json) -> Json:
    """合理用药: what it thinks of a prescription's drugs."""
    drugs = body.get("drugs")
    if not isinstance(drugs, list) or not drugs:
        raise Wrong("drugs 应是处方药品的列表")
    names = [str(d.get("name", "")) for d in drugs if isinstance(d, dict)]
    problems = []
    if len(names) > 5:
        problems.append({"level": 2, "text": "超过五种药品，请核对"})
    if any("华法林" in n for n in names) and any("阿司匹林" in n for n in names):
        problems.append({"level": 3, "text": "华法林与阿司匹林合用，出血风险增加"})
    if sum("头孢" in n for n in names) > 1:
        problems.append({"level": 2, "text": "重复使用头孢菌素"})
    blocked = any(p["level"] == 3 for p in problems)
    return {
        "code": 0,
        "result": "blocked" if blocked else "passed",
        "problems": problems,
        "prescription": body.get("prescription"),
    }


async def circulate(path: str, body: Json) -> Json:
    """处方流转: takes a prescription to be filled outside."""
    if not body.get("prescription"):
        raise Wrong("缺少处方号 prescription")
    return {
        "code": 0,
        "message": "成功",
        "hiRxno": f"44{digest(str(body['prescription']).encode())[:18]}",
        "rxStasCodg": "1",
    }


async def trace(path: str, body: Json) -> Json:
    """药品追溯码: takes the codes of what was dispensed."""
    codes = body.get("codes")
    if not isinstance(codes, list) or not codes:
        raise Wrong("缺少追溯码 codes")
    wrong = [c for c in codes if len(str(c)) != 20 or not str(c).isdigit()]
    if wrong:
        raise Wrong(f"追溯码应为 20 位数字，有 {len(wrong)} 个不是")
    return {"code": 0, "message": "成功", "accepted": len(codes)}


class Payments:
    """移动支付: its book tells what became of every order, and an order is not paid twice."""

    def __init__(self, book: ChannelBook) -> None:
        self.book = book

    async def answer(self, path: str, body: Json) -> Json:
        """action: pay (where nothing is said), query or refund (of a part, `amount`, or of all)."""
        order, what = str(body.get("order") or ""), str(body.get("action") or "pay")
        if not order:
            raise Wrong("缺少订单号 order")
        known = self.book.find(order)
        if what == "query":
            return {"code": 0, **self._told(known)} if known else {"code": 404, "message": "订单不存在", "order": order}
        if what == "refund":
            return self._refund(order, known, body)
        if known is None:
            method = str(body.get("method") or "01")
            known = self.book.pay(order, _amount(body), CHANNELS.get(method, "wx"), now())
        return {"code": 0, **self._told(known)}

    def _refund(self, order: str, known: Json | None, body: Json) -> Json:
        if known is None:
            return {"code": 404, "message": "原订单不存在", "order": order}
        made = self.book.refund(order, _amount(body) if body.get("amount") else Decimal(known["je"]), now())
        if made is None:
            return {"code": 409, "message": "退款金额超过可退金额", **self._told(known)}
        return {"code": 0, **self._told(known), "refund": made["lsh"]}

    def _told(self, row: Json) -> Json:
        back = self.book.refunded(row["ddh"])
        return {
            "order": row["ddh"], "state": "refunded" if back else "paid", "amount": row["je"], "refunded": str(back), "serial": row["lsh"],
            "fee": row["sxf"], "method": METHODS[row["qd"]],
        }  # fmt: skip


METHODS = {channel: method for method, channel in CHANNELS.items()}


def _amount(body: Json) -> Decimal:
    try:
        amount = Decimal(str(body.get("amount") or "0")).quantize(Decimal("0.01"))
    except ArithmeticError:
        raise Wrong("金额 amount 不是数字") from None
    if not 0 < amount < 10_000_000:
        raise Wrong("金额 amount 应大于 0")
    return amount
