"""Calls of somebody's SOAP service."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from ...engine.documents import DocumentProblem, read
from ...wire import soap
from ..base import Answer, ChannelConfig, NotSent, Outgoing, Unknown
from ..http.client import HttpClient


class SoapSender:
    def __init__(self, channel: ChannelConfig) -> None:
        s = channel.settings
        self.channel = channel
        self.repeatable = bool(s.get("repeatable", False))
        self.client = HttpClient(channel, keep=self.repeatable)
        self._version = str(s.get("version") or "1.1")
        self._success = str(s.get("success") or "")

    async def close(self) -> None:
        await self.client.close()

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        s = self.channel.settings
        action = str(s.get("action") or "")
        headers = {**(s.get("headers") or {}), "Content-Type": soap.CONTENT_TYPES[self._version]}
        if self._version == "1.1":
            headers["SOAPAction"] = f'"{action}"'
        elif action:
            headers["Content-Type"] += f'; action="{action}"'
        got = await self.client.request("POST", str(s["url"]), self._envelope(outgoing), headers, deadline)
        if not got.body.lstrip().startswith(b"<"):
            code = f"HTTP {got.status}"
            if got.status >= 400:
                return Answer(
                    False,
                    permanent=got.status in (400, 404, 405, 413, 415),
                    code=code,
                    text=f"对方返回 {code}",
                    raw=got.body,
                )
            raise Unknown("对方的应答不是 SOAP。")
        return self._judge(got.status, got.body)

    def _envelope(self, outgoing: Outgoing) -> bytes:
        s = self.channel.settings
        if not (operation := str(s.get("operation") or "")):
            return outgoing.raw
        try:
            text = read("bytes", outgoing.raw).get("text")
        except DocumentProblem as problem:
            raise NotSent(problem.reason) from None
        space, name = str(s.get("namespace") or ""), str(s.get("parameter") or "arg0")
        prefix, declared = ("x:", f" xmlns:x={quoteattr(space)}") if space else ("", "")
        clean = "".join(char for char in text if char in "\t\n\r" or ord(char) >= 32)
        inner = f"<{prefix}{operation}{declared}><{name}>{escape(clean)}</{name}></{prefix}{operation}>"
        return soap.wrap(inner, self._version)

    def _judge(self, status: int, body: bytes) -> Answer:
        try:
            envelope = soap.parse(body)
        except soap.SoapProblem as problem:
            if status >= 500:
                return Answer(False, code=f"HTTP {status}", text=f"对方返回 HTTP {status}", raw=body)
            raise Unknown(f"对方的应答读不懂：{problem.reason}") from None
        if envelope.fault:
            wrong = envelope.fault_code in ("Client", "Sender", "VersionMismatch", "MustUnderstand")
            return Answer(False, permanent=wrong, code=envelope.fault_code or "Fault", text=envelope.fault, raw=body)
        said = soap.payload(envelope)
        if self._success and self._success not in (said or soap.inner(envelope)):
            return Answer(False, business=True, code="返回值", text=said[:200], raw=body)
        return Answer(True, code=f"HTTP {status}", raw=body)
