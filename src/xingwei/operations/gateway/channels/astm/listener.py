"""Instruments that connect over TCP."""

from __future__ import annotations

import asyncio

from ..base import ChannelConfig, Intake, not_listening
from ..sources import may, networks
from .link import Link, links


class AstmListener:
    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        self.channel = channel
        self.intake = intake
        self.lines: set[Link] = set()
        self._most = int(channel.settings.get("connections", 20))
        self._allowed = networks(channel.settings.get("allow") or [])
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        host, port = str(self.channel.settings.get("host") or "127.0.0.1"), int(self.channel.settings["port"])
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Guest(self), host, port, backlog=128, reuse_address=True
            )
        except OSError as error:
            raise not_listening(host, port, error) from None

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(line.close() for line in list(self.lines)))

    def welcome(self, peer: str) -> bool:
        return len(self.lines) < self._most and may(peer, self._allowed)

    def left(self, line: Link) -> None:
        self.lines.discard(line)
        if links.get(f"astm:{self.channel.code}") is line:
            del links[f"astm:{self.channel.code}"]
            for other in self.lines:
                links[f"astm:{self.channel.code}"] = other


class _Guest(Link):
    def __init__(self, listener: AstmListener) -> None:
        super().__init__(listener.channel, listener.intake, ended=listener.left)
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = transport.get_extra_info("peername") or ("",)
        if not self._listener.welcome(str(address[0])):
            self._listener.intake.trouble("连接被拒绝：数量已满或来源不在允许之列")
            transport.close()
            return
        super().connection_made(transport)
        self._listener.lines.add(self)
        links[f"astm:{self.channel.code}"] = self
