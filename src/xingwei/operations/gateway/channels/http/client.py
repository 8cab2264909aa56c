"""HTTP as a client: what surely did not leave, what left without an answer, and the answer itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from ..base import ChannelConfig, ChannelProblem, NotSent, Unknown, left
from ..secrets import secret

_BEFORE_SENDING = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.ClientProxyConnectionError,
)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: bytes
    content_type: str


class HttpClient:
    """One session a channel. keep: connections are used again; where a receiver cannot tell repeats they are not, since
    a line that the other side is just closing leaves a doubt."""

    def __init__(self, channel: ChannelConfig, *, keep: bool) -> None:
        settings = channel.settings
        self.channel = channel
        self._keep = keep
        self._connect_s = float(settings.get("connect_s", 3))
        self._largest = int(float(settings.get("reply_mb", 16)) * 2**20)
        self._auth = _auth(channel)
        self._token = secret(channel, "token")
        self._context = _context(settings)
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(
                limit=int(self.channel.delivery.get("lanes", 4)) + 16,
                ssl=self._context,
                force_close=not self._keep,
            )
            self._session = aiohttp.ClientSession(connector=connector, auth=self._auth, auto_decompress=True)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> HttpAnswer:
        """Raises NotSent, Unknown."""
        rest = left(deadline)
        if rest <= 0:
            raise NotSent("发送前时限已到。")
        timeout = aiohttp.ClientTimeout(total=rest, connect=min(self._connect_s, rest))
        if self._token:
            headers = {"Authorization": f"Bearer {self._token}", **headers}
        try:
            async with self._open().request(
                method, url, data=body or None, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return HttpAnswer(answer.status, await self._body(answer), answer.headers.get("Content-Type", ""))
        except _BEFORE_SENDING as error:
            raise NotSent(f"连不上对方：{_words(error)}") from None
        except TimeoutError:
            raise Unknown("对方在时限内没有应答。", timeout=True) from None
        except (aiohttp.ClientError, ConnectionError, asyncio.IncompleteReadError) as error:
            raise Unknown(f"连接中断：{_words(error)}") from None

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_chunked(65536):
            body += chunk
            if len(body) > self._largest:
                raise Unknown("对方的应答超过长度上限。")
        return bytes(body)


def _words(error: BaseException) -> str:
    """Never the address with its query, which may name a patient."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "对方的证书不被信任"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "对方的名字解析不了"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "连接超时"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _auth(channel: ChannelConfig) -> aiohttp.BasicAuth | None:
    user = str(channel.settings.get("user") or "")
    return aiohttp.BasicAuth(user, secret(channel, "password"), "utf-8") if user else None


def _context(settings: Mapping[str, Any]) -> ssl.SSLContext | bool:
    if settings.get("insecure"):
        return False
    if not settings.get("ca"):
        return True
    try:
        return ssl.create_default_context(cafile=str(settings["ca"]))
    except (OSError, ssl.SSLError):
        raise ChannelProblem("信任的根证书文件读不到，或不是证书。") from None
