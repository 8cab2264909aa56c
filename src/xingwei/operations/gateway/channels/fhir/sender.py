"""Resources to a FHIR server: PUT by id (a repeat changes nothing), POST otherwise; bundles to its root."""

from __future__ import annotations

import json

from ...wire import fhir
from ..base import Answer, ChannelConfig, Outgoing
from ..http.client import HttpAnswer, HttpClient

_LATER = frozenset({401, 403, 408, 425, 429})


class FhirSender:
    repeatable = False

    def __init__(self, channel: ChannelConfig) -> None:
        self.channel = channel
        self.client = HttpClient(channel, keep=True)
        self._update = bool(channel.settings.get("update", True))
        self._base = str(channel.settings["url"]).rstrip("/")

    def can_repeat(self, outgoing: Outgoing) -> bool:
        """Only what goes by PUT, bundles of nothing but PUTs included."""
        try:
            resource = json.loads(outgoing.raw)
        except ValueError:
            return True  # it will be refused before it leaves
        if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
            return resource.get("type") in ("transaction", "batch") and all(
                isinstance(entry, dict) and (entry.get("request") or {}).get("method") == "PUT"
                for entry in resource.get("entry") or [{}]
            )
        return self._puts(resource) if isinstance(resource, dict) else True

    def _puts(self, resource: dict[str, object]) -> bool:
        return self._update and bool(resource.get("id")) and resource.get("resourceType") != "Bundle"

    async def close(self) -> None:
        await self.client.close()

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        try:
            resource = fhir.parse(outgoing.raw)
        except fhir.FhirProblem as problem:
            return Answer(False, permanent=True, code="FHIR", text=problem.reason)
        kind = str(resource["resourceType"])
        headers = {
            **(self.channel.settings.get("headers") or {}),
            "Content-Type": "application/fhir+json; charset=utf-8",
            "Accept": "application/fhir+json",
        }
        if self._puts(resource):
            method, url = "PUT", f"{self._base}/{kind}/{resource['id']}"
        else:
            method, url = "POST", self._base if kind == "Bundle" else f"{self._base}/{kind}"
        return self._judge(await self.client.request(method, url, outgoing.raw, headers, deadline))

    def _judge(self, got: HttpAnswer) -> Answer:
        code = f"HTTP {got.status}"
        if 200 <= got.status < 300:
            return Answer(True, code=code, raw=got.body)
        business = got.status == 422
        permanent = 400 <= got.status < 500 and got.status not in _LATER and not business
        return Answer(False, permanent, business, code, _said(got.body) or f"对方返回 {code}", got.body)


def _said(body: bytes) -> str:
    """What an OperationOutcome says."""
    try:
        issues = json.loads(body).get("issue") or []
        issue = issues[0]
        return str((issue.get("details") or {}).get("text") or issue.get("diagnostics") or "")[:200]
    except (ValueError, AttributeError, IndexError, KeyError, TypeError):
        return ""
