"""The way in of the insurance interface: the HIS calls as it would call the platform, and is answered in its form.

File transactions (9101 multipart, 9102 octets) pass as they are; the number of the transaction is read from their text.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from ...wire import insurance as yb
from ..base import CallFailed, Received
from ..http.listener import SHANGHAI, HttpListener, moment
from ..http.server import Reply, Request

_INFNO = re.compile(rb'"infno"\s*:\s*"([0-9]{4}[A-Z]{0,2})"')
_MSGID = re.compile(rb'"msgid"\s*:\s*"([!-~]{1,30})"')


class InsuranceListener(HttpListener):
    calls = True

    def refuse(self, status: int, text: str) -> Reply:
        """Also what is no envelope is answered as the platform does: status 200, infcode -1."""
        body = yb.refusal({}, text, datetime.now(SHANGHAI))
        return Reply(200 if status == 422 else status, body)

    def failed(self, received: Received, problem: CallFailed) -> Reply:
        """`outcome` tells a caller that knows the gateway what to do; every other shows err_msg."""
        body = json.loads(yb.refusal({"msgid": received.control_id}, problem.reason, datetime.now(SHANGHAI)))
        body |= {"outcome": problem.outcome, "sentence": problem.reason, "number": problem.number}
        return Reply(200, json.dumps(body, ensure_ascii=False).encode())

    def received(self, request: Request) -> Received:
        got = Received(request.body, charset="utf-8", peer=request.peer)
        if request.body[:2] == b"--":
            infno, msgid = _INFNO.search(request.body[:65536]), _MSGID.search(request.body[:65536])
            got.type = infno[1].decode() if infno else ""
            got.control_id = msgid[1].decode() if msgid else ""
            got.key = got.control_id
            got.problem = "" if infno else "文件上传请求里没有交易编号 infno。"
            return got
        try:
            document = yb.parse(request.body)
            yb.check(document)
        except yb.EnvelopeProblem as problem:
            got.problem = problem.reason
            return got
        data = yb.data_of(document)
        got.control_id, got.type = str(document["msgid"]), str(document["infno"])
        got.patient = str(data.get("psn_no") or data.get("certno") or "")[:60]
        got.reference = str(data.get("mdtrt_id") or data.get("setl_id") or data.get("ipt_otp_no") or "")[:60]
        got.key = got.patient or got.control_id
        got.event_at = moment(str(document.get("inf_time") or ""))
        return got

    def answered(self, received: Received, body: bytes) -> Reply:
        kind = "application/json; charset=utf-8" if body.lstrip()[:1] in (b"{", b"") else "application/octet-stream"
        return Reply(200, body, kind)
