"""An instrument on a serial port that speaks ASTM."""

from __future__ import annotations

from ..astm.link import Link, links
from ..base import ChannelConfig, Intake
from .port import Port


class SerialListener:
    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        self.channel = channel
        self.intake = intake
        self._name = f"serial:{channel.settings['device']}"
        self._port = Port(channel, intake, self._line)

    def _line(self) -> Link:
        link = links[self._name] = Link(self.channel, self.intake, str(self.channel.settings["device"]), self._ended)
        return link

    def _ended(self, link: Link) -> None:
        if links.get(self._name) is link:
            del links[self._name]
        self._port.lost()

    async def start(self) -> None:
        await self._port.open()
        self._port.watch()

    async def stop(self) -> None:
        link = links.get(self._name)
        await self._port.close()
        if link is not None:
            await link.close()
