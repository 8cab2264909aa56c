"""The way out to the insurance platform: signs, sends, tells refusals from failures, and asks what became of a
settlement whose answer never came."""

from __future__ import annotations

import itertools
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ...wire import insurance as yb
from ...wire.insurance_enquiry import Finding, enquiry, finding
from ..base import (
    Answer,
    ChannelConfig,
    ChannelProblem,
    NotSent,
    NotThere,
    Outgoing,
    Settled,
    Unclear,
    Unknown,
)
from ..http.client import HttpAnswer, HttpClient
from ..http.listener import SHANGHAI
from ..secrets import secret

_PATHS = Path(__file__).parents[2] / "data" / "insurance-paths.yaml"
_REMEMBERED = 10_000
_serial = itertools.count(secrets.randbelow(10_000))


@cache
def national_paths() -> dict[str, str]:
    return {str(k): str(v) for k, v in yaml.safe_load(_PATHS.read_text(encoding="utf-8"))["paths"].items()}


class InsuranceSender:
    """A settlement may not be sent twice: `can_repeat` holds for queries only."""

    repeatable = False

    def __init__(self, channel: ChannelConfig) -> None:
        self.channel = channel
        self.profile = profile_of(channel.settings)
        self.keys = keys_of(channel, self.profile)
        self.client = HttpClient(channel, keep=False)
        self._base = str(channel.settings["url"]).rstrip("/")
        self._grace_s = float(channel.settings.get("grace_s", 60))
        self._sent: OrderedDict[int, float] = OrderedDict()

    def can_repeat(self, outgoing: Outgoing) -> bool:
        return yb.harmless(outgoing.type)

    async def close(self) -> None:
        await self.client.close()

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        self._remember(outgoing.delivery_id)
        if outgoing.raw[:2] == b"--":
            return _answer(await self._post_file(outgoing, deadline), outgoing.type)
        return _answer(await self._post(self._opened(outgoing.raw), deadline), outgoing.type)

    async def inquire(self, outgoing: Outgoing, deadline: float) -> Settled | NotThere | Unclear:
        """What cannot be found is taken for not done only after `grace_s`: the platform may still be at it."""
        if yb.harmless(outgoing.type):
            return NotThere("查询类交易，重复调用没有影响")
        try:
            request = yb.parse(outgoing.raw)
            asked = enquiry(request, self.profile)
        except yb.EnvelopeProblem as problem:
            return Unclear(problem.reason)
        if asked is None:
            return Unclear(f"交易 {outgoing.type} 没有可用的查询，请人工向医保核对后处理。")
        now = datetime.now(SHANGHAI)
        question = {
            **{name: value for name, value in request.items() if name not in ("cainfo", "signtype", "input")},
            "infno": asked.infno,
            "msgid": _msgid(str(request.get("fixmedins_code") or ""), now),
            "inf_time": f"{now:%Y-%m-%d %H:%M:%S}",
            "input": {asked.node: dict(asked.data)},
        }
        try:
            answer = await self._post(question, deadline)
        except (NotSent, Unknown) as problem:
            return Unclear(problem.reason)
        return self._concluded(outgoing, finding(request, yb.judge(answer.status, answer.body)))

    def _concluded(self, outgoing: Outgoing, found: Finding) -> Settled | NotThere | Unclear:
        if found.kind == "arrived":
            return Settled(Answer(True, code="0", raw=found.answer), found.text)
        if found.kind == "unclear":
            return Unclear(found.text)
        since = self._sent.setdefault(outgoing.delivery_id, time.monotonic())
        if time.monotonic() - since < self._grace_s:
            return Unclear(f"{found.text}（对方可能还在处理，{self._grace_s:.0f} 秒后再认定）")
        return NotThere(found.text)

    def _opened(self, raw: bytes) -> dict[str, Any]:
        try:
            document = yb.parse(raw)
        except yb.EnvelopeProblem as problem:
            raise NotSent(problem.reason) from None
        return document

    async def _post(self, document: Mapping[str, Any], deadline: float) -> HttpAnswer:
        infno = str(document.get("infno") or "")
        try:
            body = yb.dump(yb.sign_body(self.profile, self.keys, document), self.profile)
            path = self.profile.path_of(infno)
        except yb.EnvelopeProblem as problem:
            raise NotSent(problem.reason) from None
        return await self.client.request("POST", self._base + path, body, self._headers(infno, body), deadline)

    async def _post_file(self, outgoing: Outgoing, deadline: float) -> HttpAnswer:
        boundary = outgoing.raw[2 : outgoing.raw.find(b"\r\n")].decode("latin-1")
        headers = self._headers(outgoing.type, outgoing.raw)
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        try:
            path = self.profile.path_of(outgoing.type)
        except yb.EnvelopeProblem as problem:
            raise NotSent(problem.reason) from None
        return await self.client.request("POST", self._base + path, outgoing.raw, headers, deadline)

    def _headers(self, infno: str, body: bytes) -> dict[str, str]:
        signed = yb.sign_headers(
            self.profile, self.keys, infno, body, time.time_ns() // 1_000_000, secrets.token_hex(8)
        )
        return {**signed, "Content-Type": "application/json; charset=utf-8"}

    def _remember(self, delivery_id: int) -> None:
        self._sent[delivery_id] = time.monotonic()
        self._sent.move_to_end(delivery_id)
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)


def _answer(got: HttpAnswer, infno: str) -> Answer:
    """A refusal of what was asked is final and no failure of the interface. Where a transaction that may not be sent
    twice could have gone through in spite of the error, its outcome is not known."""
    if got.status == 200 and got.content_type.startswith("application/octet-stream"):
        return Answer(True, code="0", raw=got.body)
    verdict = yb.judge(got.status, got.body)
    if verdict.doubt and not yb.harmless(infno):
        raise Unknown(verdict.text)
    business = verdict.kind == "business"
    return Answer(verdict.kind == "ok", business=business, code=verdict.code, text=verdict.text, raw=got.body)


def _msgid(hospital: str, now: datetime) -> str:
    """Hospital (12), time (14), number (4)."""
    return f"{hospital:0<12.12}{now:%Y%m%d%H%M%S}{next(_serial) % 10_000:04d}"


def profile_of(settings: Mapping[str, Any]) -> yb.Profile:
    return yb.Profile(
        style=settings.get("style", "single"),
        single_path=str(settings.get("single_path") or yb.Profile().single_path),
        paths={**national_paths(), **(settings.get("paths") or {})},
        headers=settings.get("headers", "none"),
        body=settings.get("body", "none"),
        input_as=settings.get("input_as", "object"),
        enquiry_without_setl_id=bool(settings.get("enquiry_without_setl_id", True)),
    )


def keys_of(channel: ChannelConfig, profile: yb.Profile) -> yb.Keys:
    """Raises ChannelProblem where the profile signs and a key is missing."""
    pem = secret(channel, "sm2_key")
    keys = yb.Keys(secret(channel, "access_key"), secret(channel, "secret"), sm2_signer(pem) if pem else None)
    if profile.body == "sm2" and keys.sm2 is None:
        raise ChannelProblem("报文用 SM2 签名，但没有填 SM2 私钥。")
    if (profile.headers != "none" or profile.body == "sm3") and not keys.secret:
        raise ChannelProblem("要求签名，但没有填访问密钥（SK）。")
    return keys


def sm2_signer(pem: str) -> Callable[[bytes], bytes]:
    from tongsuopy.crypto import hashes, serialization
    from tongsuopy.crypto.asymciphers import ec

    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except Exception:
        raise ChannelProblem("SM2 私钥不是 PEM 格式，或有口令保护。") from None
    return lambda data: bytes(key.sign(data, ec.ECDSA(hashes.SM3())))
