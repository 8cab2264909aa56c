"""Out to an instrument or a system that speaks ASTM: over a connection of our own, or over the one that the instrument
opened to a channel in (bidirectional instruments)."""

from __future__ import annotations

import asyncio

from ..base import Answer, ChannelConfig, NotSent, Outgoing, left
from .link import Link, links


class AstmSender:
    def __init__(self, channel: ChannelConfig) -> None:
        self.channel = channel
        self.repeatable = bool(channel.settings.get("repeatable", True))
        self._link: Link | None = None
        self._lock = asyncio.Lock()

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        through = str(self.channel.settings.get("through") or "")
        if through:
            if (link := links.get(f"astm:{through}")) is None:
                raise NotSent(f"仪器没有连到接入通道 {through}。")
        else:
            link = await self._connected(deadline)
        return await link.transmit(outgoing.raw, deadline)

    async def close(self) -> None:
        if self._link is not None:
            await self._link.close()

    async def _connected(self, deadline: float) -> Link:
        async with self._lock:
            if self._link is not None and self._link.open:
                return self._link
            settings = self.channel.settings
            host, port = str(settings.get("host") or "127.0.0.1"), int(settings["port"])
            wait = min(float(settings.get("connect_s", 5)), left(deadline))
            try:
                loop = asyncio.get_running_loop()
                opening = loop.create_connection(lambda: Link(self.channel, None), host, port)
                _, link = await asyncio.wait_for(opening, wait)
            except TimeoutError:
                raise NotSent(f"连接 {host}:{port} 超时。") from None
            except OSError as error:
                raise NotSent(f"连不上 {host}:{port}：{error.strerror or error}。") from None
            self._link = link
            return link
