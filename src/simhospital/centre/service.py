"""One request in, one answer out: gateway checks, envelope, field tables, transaction, answer. No sockets here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simhospital.faults.board import Board

from .business import Call, handlers
from .business.files import fetch
from .business.signing_in import must_be_signed_in
from .profile import Profile
from .refused import UNKNOWN_INFNO, GatewayRefused, Refused
from .signing import Account, verify_body, verify_headers
from .store import Store
from .tables import check_envelope, check_input

CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `document` is the envelope where there is one, `committed` whether something was written."""

    status: int
    body: bytes
    content_type: str = "application/json"
    document: dict[str, Any] | None = None
    committed: bool = False


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode()


class Centre:
    """The national interface of one region for one hospital."""

    def __init__(
        self,
        profile: Profile,
        store: Store,
        account: Account,
        board: Board,
        clock: Callable[[], datetime] = lambda: datetime.now(CHINA),
    ) -> None:
        self.profile = profile
        self.store = store
        self.account = account
        self.board = board
        self._clock = clock

    def now(self) -> datetime:
        """The centre's own time, which a fault may have put wrong."""
        skew = self.board.active("yb-centre-clock")
        return self._clock() + timedelta(seconds=float(skew["seconds"]) if skew else 0)

    def handle(
        self, path: str, headers: Mapping[str, str], body: bytes, file: tuple[str, bytes] | None = None
    ) -> Reply:
        """The answer to one POST; `file` is the part of a multipart (9101)."""
        received = self.now()
        try:
            self._gateway(headers, body)
            head, infno = self._head(path, body)
            verify_body(self.profile.body, self.account, head)
            self._fresh(head)
        except GatewayRefused as refused:
            return Reply(401, _json({"code": refused.code, "message": refused.message}))
        except Refused as refused:
            return Reply(200, _json({"type": "error", "infcode": -1, "err_msg": refused.text}))
        if infno is None:
            return Reply(404, b'{"code":404,"message":"Not Found"}')
        call = Call(infno, head, {}, self.profile, self.store, self.now(), self.board)
        try:
            return self._carry_out(call, received, file)
        except Refused as refused:
            document = self._envelope(received, -1, refused.text, None)
            return Reply(200, _json(document), document=document)

    # ----- before the business
    def _gateway(self, headers: Mapping[str, str], body: bytes) -> None:
        now_ms = int(self.now().timestamp() * 1000)
        verify_headers(self.profile.headers, self.account, headers, body, now_ms, float(self.profile.window_s))

    def _fresh(self, head: Mapping[str, Any]) -> None:
        """Where only the body is signed, its time must be near ours."""
        if self.profile.headers != "none" or self.profile.body == "none":
            return
        try:
            told = datetime.strptime(str(head.get("inf_time")), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        except ValueError:
            return  # the envelope's own check says it better
        if abs((told - self.now()).total_seconds()) > float(self.profile.window_s):
            raise GatewayRefused("签名时间戳超时!")

    def _head(self, path: str, body: bytes) -> tuple[dict[str, Any], str | None]:
        try:
            head = json.loads(body)
        except (ValueError, UnicodeDecodeError):
            raise Refused("FSI-交易报文不正确：报文解析失败") from None
        if not isinstance(head, dict):
            raise Refused("FSI-交易报文不正确：报文解析失败")
        infno = str(head.get("infno") or "")
        interface = self.profile.interface(infno)
        single = path == self.profile.single_path
        if ("single" if single else "paths") not in self.profile.urls:
            return head, None
        if interface is None or (interface.infno not in handlers and interface.infno != "9102"):
            raise self._unknown()
        if not single and interface.path != path:
            raise self._unknown()
        return head, interface.infno

    def _unknown(self) -> Refused:
        with self.store.transaction():
            serial = 1_972_450_000 + self.store.next("unknown")
        return Refused(UNKNOWN_INFNO.format(serial=serial))

    # ----- the business
    def _carry_out(self, call: Call, received: datetime, file: tuple[str, bytes] | None) -> Reply:
        check_envelope(call.head, self.profile.length_in)
        interface = self.profile.interface(call.infno)
        assert interface is not None
        given = call.head.get("input")
        if self.profile.input_as == "string":
            if not isinstance(given, str):
                raise Refused("FSI-交易报文不正确：交易输入应为字符型")
            try:
                given = json.loads(given)
            except ValueError:
                raise Refused("FSI-交易报文不正确：交易输入解析失败") from None
        if file is not None and isinstance(given, dict):
            upload = {"in": file[1], "filename": file[0], "fixmedins_code": call.fixmedins}
            given = {"fsUploadIn": upload | {k: v for k, v in given.get("fsUploadIn", {}).items() if k != "in"}}
            call.input = given
        else:
            lenient = call.infno in ("5203", "5204") and self.profile.enquiry_without_setl_id
            optional = ("setl_id",) if lenient else ()
            call.input = check_input(interface, given, self.profile.length_in, optional)
        with self.store.transaction():
            must_be_signed_in(call)
            self._once(call)
            if call.infno == "9102":
                content = fetch(call, call.input["fsDownloadIn"]["file_qury_no"])
                return Reply(200, content, "application/octet-stream")
            output = handlers[call.infno](call)
        document = self._envelope(received, 0, None, output)
        return Reply(200, _json(document), document=document, committed=True)

    def _once(self, call: Call) -> None:
        """A message id is good for one transaction that succeeded."""
        if call.infno[0] in "59" or call.infno in ("1101", "3201"):  # questions may be asked again
            return
        if self.store.one("select 1 from message where msgid = ?", call.msgid):
            if self.profile.repeated_msgid == "refuse":
                raise Refused(f"FSI-交易报文不正确：发送方报文ID[{call.msgid}]重复")
            return
        self.store.insert(
            "message", msgid=call.msgid, infno=call.infno, fixmedins=call.fixmedins, at=call.stamp, infcode=0
        )

    def _envelope(self, received: datetime, infcode: int, text: str | None, output: Any) -> dict[str, Any]:
        responded = self.now()
        reference = None
        if infcode == 0:
            reference = f"{self.profile.admdvs}{responded:%Y%m%d%H%M%S}{responded.microsecond:010d}"
            if self.profile.output_as == "string":
                output = json.dumps(output, ensure_ascii=False, default=str)
        return {
            "output": output,
            "infcode": infcode,
            "warn_msg": None,
            "cainfo": None,
            "err_msg": text,
            "refmsg_time": f"{received:%Y%m%d%H%M%S}{received.microsecond // 1000:03d}",
            "signtype": None,
            "respond_time": f"{responded:%Y%m%d%H%M%S}{responded.microsecond // 1000:03d}",
            "inf_refmsgid": reference,
        }
