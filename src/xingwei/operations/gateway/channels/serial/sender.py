"""Out over a serial port: by the line that a channel in holds, else by one of our own."""

from __future__ import annotations

from typing import cast

from ..astm.link import Link, links
from ..base import Answer, ChannelConfig, ChannelProblem, NotSent, Outgoing
from .port import Port


class SerialSender:
    def __init__(self, channel: ChannelConfig) -> None:
        self.channel = channel
        self.repeatable = bool(channel.settings.get("repeatable", True))
        self._name = f"serial:{channel.settings['device']}"
        self._port = Port(channel, None, lambda: Link(channel, None, str(channel.settings["device"])))

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        link = links.get(self._name) or cast("Link | None", self._port.protocol)
        if link is None or not link.open:
            try:
                await self._port.open()
            except ChannelProblem as problem:
                raise NotSent(problem.reason) from None
            link = cast(Link, self._port.protocol)
        return await link.transmit(outgoing.raw, deadline)

    async def close(self) -> None:
        await self._port.close()
