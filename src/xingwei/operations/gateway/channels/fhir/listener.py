"""A FHIR endpoint that takes resources and bundles (create, update, transaction); it stores no FHIR of its own and
answers no searches."""

from __future__ import annotations

from ...wire import fhir
from ..base import CallFailed, Received
from ..http.listener import HttpListener
from ..http.server import Reply, Request

_TYPE = "application/fhir+json; charset=utf-8"
_ISSUES = {
    401: "login",
    403: "forbidden",
    405: "not-supported",
    408: "timeout",
    413: "too-long",
    422: "structure",
    503: "transient",
}


class FhirListener(HttpListener):
    methods = ("POST", "PUT")

    def received(self, request: Request) -> Received:
        got = Received(request.body, charset="utf-8", peer=request.peer)
        try:
            resource = fhir.parse(request.body)
        except fhir.FhirProblem as problem:
            got.problem = problem.reason
            return got
        found = fhir.summary(resource)
        got.type, got.patient, got.reference = found.type, found.patient, found.reference
        got.key = found.patient or found.reference
        got.control_id = (request.headers.get("X-Request-Id") or request.headers.get("X-Message-Id") or "")[:200]
        got.problem = self._problem(request, resource)
        return got

    def _problem(self, request: Request, resource: dict[str, object]) -> str:
        kind = str(resource["resourceType"])
        asked = [part for part in request.path.split("/") if part]
        wanted = self.channel.settings.get("resources") or []
        if asked and asked[0] != kind:
            return f"地址里是 {asked[0]}，报文里是 {kind}。"
        if request.method == "PUT" and (len(asked) != 2 or asked[1] != resource.get("id")):
            return "更新（PUT）的地址应是 类型/id，且与报文里的 id 相同。"
        if not asked and kind != "Bundle":
            return "单个资源应发到它的类型地址，如 Observation。"
        return f"这个通道不接收 {kind}。" if wanted and kind not in wanted else ""

    def refuse(self, status: int, text: str) -> Reply:
        return Reply(status, fhir.outcome(text, _ISSUES.get(status, "processing")), _TYPE)

    def failed(self, received: Received, problem: CallFailed) -> Reply:
        status = {"refused": 422, "unavailable": 503, "uncertain": 504}[problem.outcome]
        return Reply(status, fhir.outcome(problem.reason, "transient" if status > 500 else "business-rule"), _TYPE)

    def receipt(self, received: Received) -> bytes:
        return fhir.outcome("已收下", "informational", "information")

    async def handle(self, request: Request) -> Reply:
        reply = await super().handle(request)
        return Reply(reply.status, reply.body, _TYPE, reply.headers)
