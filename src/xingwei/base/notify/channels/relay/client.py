"""The relay's side: runs on a machine that reaches both Xingwei and the internet, and has no database.

It fetches what there is to send, makes the calls, and reports what was answered; what an answer means is
decided inside. It calls only the hosts that it was told of: whoever took over the hospital's server could not
use it to reach anything else.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import httpx

from ...engine.wire import SmtpServer, calls_of
from ..carry import carry, client

log = logging.getLogger(__name__)
KNOWN_HOSTS = frozenset({"qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn"})
_ADDRESS = "/api/v1/notify/relay/deliveries"
_PORTION = 20


class RelayError(Exception):
    """Xingwei could not be asked; the message is Chinese and says what to do."""


@dataclass
class RelayClient:
    """code: which relay this is. hosts: what may be called beside KNOWN_HOSTS."""

    inside: httpx.Client
    code: str
    smtp: SmtpServer | None = None
    hosts: Collection[str] = ()
    outside: httpx.Client = field(default_factory=client)
    _unreported: list[dict[str, Any]] = field(default_factory=list)

    def step(self) -> int:
        """Report what is not yet reported, fetch, carry, report; the number carried. Raises RelayError."""
        self._report()
        jobs = self._ask("GET", params={"relay": self.code, "limit": _PORTION})
        for job in jobs:
            answers = carry(calls_of(job["calls"]), self.outside, smtp=self.smtp, allowed=self.may_call)
            said = [{"status": a.status, "body": a.body, "trouble": a.trouble} for a in answers]
            self._unreported.append({"id": job["id"], "claim": job["claim"], "answers": said})
        self._report()
        return len(jobs)

    def may_call(self, host: str) -> bool:
        return host in KNOWN_HOSTS or host in self.hosts

    def _report(self) -> None:
        """Kept until it is taken: a delivery that is not reported would be made twice."""
        if self._unreported:
            self._ask("POST", params={"relay": self.code}, json={"done": self._unreported})
            self._unreported = []

    def _ask(self, method: str, **kwargs: Any) -> Any:
        try:
            answer = self.inside.request(method, _ADDRESS, **kwargs)
        except httpx.HTTPError as error:
            late = isinstance(error, httpx.TimeoutException)
            raise RelayError("杏维没有回答，稍后再试。" if late else "连不上杏维，请检查地址、证书和网络。") from error
        if answer.status_code in (401, 403):
            raise RelayError("令牌不对、已过期，或没有“通知中转：取走并发送”的权限。请由系统管理员在杏维重新签发。")
        try:
            data = answer.json()
        except ValueError:
            raise RelayError(f"杏维的答复读不懂（HTTP {answer.status_code}），地址可能不对。") from None
        if not answer.is_success:
            raise RelayError(f"杏维拒绝了：{data.get('detail') if isinstance(data, dict) else answer.status_code}")
        return data
