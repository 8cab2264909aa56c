"""A SOAP service of the gateway: any operation on its path."""

from __future__ import annotations

from xml.sax.saxutils import escape

from ...engine.documents import Document
from ...wire import soap
from ..base import CallFailed, Received
from ..http.listener import HttpListener
from ..http.server import Reply, Request


class SoapListener(HttpListener):
    document = "xml"

    def received(self, request: Request) -> Received:
        got = super().received(request)
        if not got.problem:
            try:
                envelope = soap.parse(request.body)
            except soap.SoapProblem as problem:
                got.problem = problem.reason
                return got
            got.type = got.type or envelope.operation
            got.control_id = got.control_id or request.headers.get("X-Message-Id", "")[:200]
        return got

    def describe(self, got: Received, request: Request, document: Document) -> None:
        super().describe(got, request, document)
        if not self._extract.get("type"):
            got.type = ""

    def refuse(self, status: int, text: str) -> Reply:
        """A fault goes with status 500 in SOAP 1.1; who may not come in at all is told by HTTP."""
        code = 500 if status in (422, 503, 504) else status
        return Reply(code, soap.fault(text, client=status < 500), soap.CONTENT_TYPES["1.1"])

    def failed(self, received: Received, problem: CallFailed) -> Reply:
        return Reply(500, soap.fault(problem.reason, client=problem.outcome == "refused"), soap.CONTENT_TYPES["1.1"])

    def receipt(self, received: Received) -> bytes:
        said = escape(str(self.channel.settings.get("receipt") or "0"))
        name = escape(received.type or "Accept")
        return soap.wrap(f"<{name}Response><return>{said}</return></{name}Response>", self._version(received))

    def _version(self, received: Received) -> str:
        return "1.2" if soap.NS["1.2"].encode() in received.raw[:2000] else "1.1"

    async def handle(self, request: Request) -> Reply:
        reply = await super().handle(request)
        version = "1.2" if soap.NS["1.2"].encode() in reply.body[:300] else "1.1"
        return Reply(reply.status, reply.body, soap.CONTENT_TYPES[version], reply.headers)
