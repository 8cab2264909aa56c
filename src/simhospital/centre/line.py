"""One call of the insurance interface as the HIS makes it: envelope, msgid, signature, POST, and what came of it.

Four endings: `Answered` (infcode 0), `Declined` (the centre said no), `Degraded` (the integration platform or the line
says that the insurer cannot be reached and that nothing was sent) and `Lost` (sent, and nobody knows).
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import aiohttp

from simhospital.faults.board import Board

from .profile import Profile
from .signing import Account, sign_body, sign_headers
from .tables import length_of

CHINA = ZoneInfo("Asia/Shanghai")
HARMLESS = re.compile(r"1\d{3}|20\d\d|2206|2303|3201|5\d{3}|9001")  # may be asked twice
CUT_OFF = "医保暂时不通，请按自费收费，恢复后补结"


class LineError(Exception):
    """A call without a good answer; `text` may be shown at the window."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Declined(LineError):
    """The centre (or the service gateway before it) refused: nothing was done."""


class Degraded(LineError):
    """The insurer is cut off and nothing was sent; `text` is the platform's sentence for the window."""


class Lost(LineError):
    """The call left and no answer can be read: the outcome is not known."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The hospital and the operator at the window."""

    fixmedins_code: str
    fixmedins_name: str
    opter: str = "0001"
    opter_name: str = "收费员"


class Line:
    """The hospital's side of the interface through `base_url` (the platform's entry, or the centre itself)."""

    _sequence = itertools.count(int(time.time() * 1000) % 10_000)

    def __init__(
        self, base_url: str, account: Account, profile: Profile, caller: Caller, board: Board, timeout_s: float = 12.0
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.account = account
        self.profile = profile
        self.caller = caller
        self.board = board
        self.sign_no = ""
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._last_msgid = ""

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()

    def now(self) -> datetime:
        """The time of the host that signs, which a fault may have put wrong."""
        skew = self.board.active("his-clock")
        return datetime.now(CHINA) + timedelta(seconds=float(skew["seconds"]) if skew else 0)

    def msgid(self) -> str:
        """A new message id: hospital's code (12), time (14), running number (4)."""
        if self._last_msgid and (fault := self.board.strikes("his-msgid-reused")):
            self.board.did(fault, msgid=self._last_msgid)
            return self._last_msgid
        number = f"{self.caller.fixmedins_code:0<12.12}{self.now():%Y%m%d%H%M%S}{next(self._sequence) % 10_000:04d}"
        self._last_msgid = number
        return number

    def fit(self, text: str, length: int) -> str:
        """The text cut to a field's length as this region counts it."""
        while length_of(text, self.profile.length_in) > length:
            text = text[:-1]
        return text

    def _envelope(self, infno: str, data: Any, msgid: str, insuplc: str) -> dict[str, Any]:
        head = {
            "infno": infno, "msgid": msgid, "mdtrtarea_admvs": self.profile.admdvs,
            "insuplc_admdvs": insuplc or self.profile.admdvs, "recer_sys_code": "MBS_LOCAL", "dev_no": "",
            "dev_safe_info": "", "infver": "V1.0", "opter_type": "1", "opter": self.caller.opter,
            "opter_name": self.caller.opter_name, "inf_time": f"{self.now():%Y-%m-%d %H:%M:%S}",
            "fixmedins_code": self.caller.fixmedins_code, "fixmedins_name": self.fit(self.caller.fixmedins_name, 20),
            "sign_no": self.sign_no,
        }  # fmt: skip
        head |= sign_body(self.profile.body, self._key(), head)
        text = self.profile.input_as == "string"
        return head | {"input": json.dumps(data, ensure_ascii=False, default=str) if text else data}

    def _key(self) -> Account:
        """The account that signs: after a botched change of keys, another hospital's secret."""
        if self.board.active("his-key-changed"):
            return replace(self.account, secret="0" * 32, sm2_private=_stranger().sm2_private)
        return self.account

    async def call(self, infno: str, data: Mapping[str, Any], *, msgid: str = "", insuplc: str = "") -> Any:
        """`output` of one transaction. Raises Declined, Degraded or Lost."""
        body = json.dumps(
            self._envelope(infno, data, msgid or self.msgid(), insuplc), ensure_ascii=False, default=str
        ).encode()
        status, kind, content = await self._post(self._path(infno), infno, body)
        if infno == "9102" and status == 200 and kind == "application/octet-stream":
            return content
        return self._judge(status, content)

    def _path(self, infno: str) -> str:
        if "single" in self.profile.urls:
            return str(self.profile.single_path)
        interface = self.profile.interface(infno)
        return interface.path if interface else str(self.profile.single_path)

    async def _post(self, path: str, infno: str, body: bytes) -> tuple[int, str, bytes]:
        if self.board.strikes("dns-failure", "his") and not _is_address(self.base_url):
            raise Degraded("找不到医保前置机的地址（域名解析失败），请按自费收费，恢复后补结")
        if self._session is None:  # a fresh line each: one given up by the other side would be an unknown outcome
            connector = aiohttp.TCPConnector(limit=256, force_close=True)
            self._session = aiohttp.ClientSession(timeout=self._timeout, connector=connector)
        milliseconds = int(self.now().timestamp() * 1000)
        headers = sign_headers(self.profile.headers, self._key(), infno, body, milliseconds)
        headers |= {"Content-Type": "application/json; charset=utf-8"}
        try:
            try:
                return await self._send(self._session, path, body, headers)
            except aiohttp.ServerDisconnectedError:
                if not HARMLESS.fullmatch(infno):
                    raise
                return await self._send(self._session, path, body, headers)
        except (aiohttp.ClientConnectorError, aiohttp.ClientConnectionResetError) as error:
            raise Degraded(CUT_OFF) from error
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise Lost("医保未在时限内应答，结果未知，请勿重复结算") from error

    async def _send(
        self, session: aiohttp.ClientSession, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        async with session.post(self.base_url + path, data=body, headers=headers) as answer:
            return answer.status, answer.content_type, await answer.read()

    def _judge(self, status: int, content: bytes) -> Any:
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Lost("医保返回的内容无法识别，结果未知，请勿重复结算")
        if document.get("uncertain") or document.get("outcome") == "uncertain":
            raise Lost(_sentence(document))  # the platform sent it and heard nothing: ask before anything else
        if document.get("degraded") or str(document.get("outcome")) in ("unavailable", "refused", "degraded"):
            raise Degraded(_sentence(document))
        if status == 504:
            raise Lost(_sentence(document))
        if status >= 500:
            raise Degraded(_sentence(document))
        if "infcode" not in document:
            raise Declined(str(document.get("message") or "医保拒绝了请求"))
        if str(document["infcode"]) != "0":
            if "type" not in document and not document.get("respond_time"):
                raise Degraded(_sentence(document))  # no envelope of the centre: the platform's own answer
            raise Declined(str(document.get("err_msg") or "医保拒绝了请求"))
        output = document.get("output")
        if isinstance(output, str):
            try:
                return json.loads(output)
            except ValueError:
                raise Lost("医保返回的内容无法识别，结果未知，请勿重复结算") from None
        return output


def _is_address(url: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True


def _sentence(document: Mapping[str, Any]) -> str:
    for name in ("sentence", "reason", "err_msg", "message", "detail"):
        if document.get(name):
            return str(document[name])
    return CUT_OFF


_strangers: list[Account] = []


def _stranger() -> Account:
    """Somebody else's key."""
    if not _strangers:
        import tempfile
        from pathlib import Path

        from .signing import account

        with tempfile.TemporaryDirectory() as place:
            _strangers.append(account(Path(place) / "account.json"))
    return _strangers[0]
