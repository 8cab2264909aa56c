"""The national medical-insurance interface (两定接口): envelope, signatures, what an answer means. Pure.

Sources: 湖南 V1.1.27 (national baseline of 2021-12-30) and what other provinces do differently. Where provinces differ
it is data: `Profile`. Signatures of the headers: HmacSHA1 (`_api_…`, annex A) or SM3 (`x-ca-…`); of the body: the
fields of the envelope without `cainfo` and `input`, sorted by name, joined "k=v&…", signed with SM2 or digested with
SM3. There are no numbered business errors: a refusal is `infcode` -1 and a text; the service gateway in front refuses
with another body, {"code": 401, "message": …}.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import hmac as mac

LARGEST = 8 * 1024 * 1024
_INFNO = re.compile(r"[0-9]{4}[A-Z]{0,2}")
_REQUIRED = ("infno", "msgid", "mdtrtarea_admvs", "recer_sys_code", "infver", "opter_type", "opter", "opter_name",
             "inf_time", "fixmedins_code", "fixmedins_name", "input")  # fmt: skip
_LENGTHS = {"msgid": 30, "mdtrtarea_admvs": 6, "recer_sys_code": 10, "infver": 6, "opter": 30, "opter_name": 50,
            "fixmedins_code": 12}  # fmt: skip
HMAC_HEADERS = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
SM3_HEADERS = ("x-ca-key", "x-ca-nonce", "x-ca-timestamp")

# What moves no money and writes nothing that counts: may be asked again without harm.
_HARMLESS = re.compile(r"(1[0-9]{3}|20[0-9]{2}|2206|2303|31[0-9]{2}|32[0-9]{2}|5[0-9]{3}|9[0-9]{3})[A-Z]{0,2}")


class EnvelopeProblem(ValueError):
    """The request is no envelope of the interface. Chinese, says which field."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Keys:
    """What a hospital signs with. sm2: signs bytes, DER; an HSM or a UKey stands behind it where there is one."""

    access_key: str = ""
    secret: str = ""
    sm2: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What differs by province. style: one entry for all transactions, or a path for each. input_as: `string` where
    `input` and `output` are JSON inside a string."""

    style: Literal["single", "paths"] = "single"
    single_path: str = "/fsi/api/rsfComIfsService/callService"
    paths: Mapping[str, str] = field(default_factory=dict)
    headers: Literal["none", "hmac_sha1", "sm3"] = "none"
    body: Literal["none", "sm2", "sm3"] = "none"
    input_as: Literal["object", "string"] = "object"
    enquiry_without_setl_id: bool = True

    def path_of(self, infno: str) -> str:
        if self.style == "single":
            return self.single_path
        if (found := self.paths.get(infno) or self.paths.get(infno[:4])) is None:
            raise EnvelopeProblem(f"交易 {infno} 没有配置服务地址，请在通道参数的 paths 里补上。")
        return found


def parse(body: bytes) -> dict[str, Any]:
    """The envelope of a request; numbers keep their digits. Raises EnvelopeProblem."""
    if len(body) > LARGEST:
        raise EnvelopeProblem("请求超过 8 MB。")
    try:
        document = json.loads(body, parse_float=Decimal, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise EnvelopeProblem("请求不是 JSON。") from None
    if not isinstance(document, dict):
        raise EnvelopeProblem("请求不是 JSON 对象。")
    return document


def _constant(name: str) -> Any:
    raise ValueError(name)


def check(document: Mapping[str, Any]) -> None:
    """The fields that every transaction needs, with their lengths (section 1.1). Raises EnvelopeProblem."""
    if not _INFNO.fullmatch(str(document.get("infno") or "")):
        raise EnvelopeProblem("缺少交易编号 infno，或它不是四位数字。")
    if (missing := [name for name in _REQUIRED if document.get(name) in (None, "")]) != []:
        raise EnvelopeProblem(f"交易 {document['infno']} 的报文缺少 {'、'.join(missing)}。")
    for name, most in _LENGTHS.items():
        if len(str(document[name])) > most:
            raise EnvelopeProblem(f"{name} 超过 {most} 个字符。")


def data_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first object of `input` (mostly `data`), whichever way it is written; empty where there is none."""
    given = _opened(document.get("input"))
    if not isinstance(given, Mapping):
        return {}
    if isinstance(data := given.get("data"), Mapping):
        return data
    for value in given.values():
        if isinstance(value, Mapping):
            return value
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            return value[0]
    return {}


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value


def sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def sign_headers(profile: Profile, keys: Keys, infno: str, body: bytes, now_ms: int, nonce: str) -> dict[str, str]:
    """now_ms: milliseconds since 1970; the platform takes 30 minutes either way. nonce: fresh for each request."""
    if profile.headers == "hmac_sha1":
        headers = {
            "_api_name": infno,
            "_api_version": "1.0.0",
            "_api_timestamp": str(now_ms),
            "_api_access_key": keys.access_key,
        }
        digest = hmac.new(keys.secret.encode(), _joined(headers, HMAC_HEADERS).encode(), hashlib.sha1).digest()
        return headers | {"_api_signature": base64.b64encode(digest).decode()}
    if profile.headers == "sm3":
        headers = {"x-ca-key": keys.access_key, "x-ca-nonce": nonce, "x-ca-timestamp": str(now_ms)}
        context = mac.HMAC(keys.secret.encode(), hashes.SM3())
        context.update(f"{_joined(headers, SM3_HEADERS)}&body={sm3(body).hex()}".encode())
        return headers | {"x-ca-signature": base64.b64encode(context.finalize()).decode()}
    return {}


def _joined(values: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return "&".join(f"{name}={values[name]}" for name in sorted(names))


def sign_body(profile: Profile, keys: Keys, document: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope with `signtype` and `cainfo`; the same one where the profile signs no body."""
    if profile.body == "none":
        return dict(document)
    signed = {**document, "signtype": profile.body.upper()}
    text = "&".join(
        f"{name}={'' if signed[name] is None else signed[name]}"
        for name in sorted(signed)
        if name not in ("cainfo", "input")
    )
    if profile.body == "sm3":
        return {**signed, "cainfo": sm3(f"{text}&key={keys.secret}".encode()).hex()}
    if keys.sm2 is None:
        raise EnvelopeProblem("没有配置 SM2 签名密钥。")
    return {**signed, "cainfo": base64.b64encode(keys.sm2(text.encode())).decode()}


def dump(document: Mapping[str, Any], profile: Profile) -> bytes:
    """As bytes; `input` as the profile wants it."""
    if profile.input_as == "string" and not isinstance(document.get("input"), str):
        document = {**document, "input": text_of(document.get("input"))}
    return text_of(document).encode()


def text_of(value: Any) -> str:
    """JSON, with Decimals as numbers of the same digits."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{text_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(text_of(child) for child in value) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the platform's answer means. kind: `ok`; `business` (it works and says no); `technical` (the service gateway
    in front refused, or the platform broke); `garbled` (no answer of the interface). text: the platform's own words,
    cut; they may be shown to the cashier. doubt: the transaction may have gone through all the same."""

    kind: Literal["ok", "business", "technical", "garbled"]
    code: str = ""
    text: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    doubt: bool = False


# The platform's own troubles come as infcode -1, too; these words tell them from a refusal of what was asked. After the
# first kind the transaction may have gone through all the same.
_DOUBTFUL = re.compile(
    r"超时|timeout|timed out|connection|连接|网络|系统异常|未知异常|NullPointer|SQLException|ORA-\d", re.IGNORECASE
)
_BUSY = re.compile(
    r"服务不可用|系统繁忙|系统升级|系统维护|维护中|暂停办理|暂停服务|熔断|限流|签名|Service Unavailable", re.IGNORECASE
)


def judge(status: int, body: bytes) -> Verdict:
    """status: of HTTP."""
    if status >= 500 or status in (408, 429):
        return Verdict("technical", f"HTTP {status}", f"医保平台返回 HTTP {status}。", doubt=status != 429)
    try:
        document = json.loads(body, parse_float=Decimal) if len(body) <= 64 * 1024 * 1024 else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Verdict("garbled", f"HTTP {status}", "医保平台的应答不是 JSON。", doubt=True)
    if "infcode" not in document:
        text = str(document.get("message") or document.get("msg") or "")[:200]
        if "code" in document or status >= 400:
            return Verdict("technical", str(document.get("code", status)), text or f"HTTP {status}", document)
        return Verdict("garbled", f"HTTP {status}", "医保平台的应答缺少 infcode。", document, doubt=True)
    code, text = str(document["infcode"]), str(document.get("err_msg") or "")[:200]
    if code in ("0", "0000", "000000"):
        return Verdict("ok", code, "", document)
    if code == "1" and not text and document.get("output"):  # annex B shows 1 on a good answer
        return Verdict("ok", code, "", document)
    doubt = _DOUBTFUL.search(text) is not None
    return Verdict("technical" if doubt or _BUSY.search(text) else "business", code, text, document, doubt)


def refusal(request: Mapping[str, Any], text: str, now: datetime) -> bytes:
    """An answer in the interface's own form, so that the caller shows the sentence as it shows the platform's."""
    stamp = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
    document = {
        "infcode": -1,
        "inf_refmsgid": None,
        "refmsg_time": stamp,
        "respond_time": stamp,
        "err_msg": text[:200],
        "output": None,
        "warn_msg": None,
        "msgid": str(request.get("msgid") or "")[:30] or None,
    }
    return json.dumps({k: v for k, v in document.items() if k != "msgid" or v}, ensure_ascii=False).encode()


def harmless(infno: str) -> bool:
    """Asking again changes nothing: queries, pre-settlement, sign-in, catalogues, reconciliation."""
    return _HARMLESS.fullmatch(infno) is not None
