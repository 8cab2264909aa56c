"""A serial port that opens again when it is lost: cables are pulled, converters drop their links."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import serial
import serial_asyncio_fast

from ..base import ChannelConfig, ChannelProblem, Intake


class Port:
    """make: a protocol for each opening; its `lost` future ends when the line does."""

    def __init__(self, channel: ChannelConfig, intake: Intake | None, make: Callable[[], asyncio.Protocol]) -> None:
        self.channel = channel
        self._intake = intake
        self._make = make
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self.protocol: asyncio.Protocol | None = None
        self._transport: asyncio.BaseTransport | None = None

    async def open(self) -> None:
        """Raises ChannelProblem."""
        s = self.channel.settings
        try:
            self._transport, self.protocol = await serial_asyncio_fast.create_serial_connection(
                asyncio.get_running_loop(),
                self._make,
                str(s["device"]),
                baudrate=int(s.get("baud", 9600)),
                bytesize=int(s.get("bits", 8)),
                parity=str(s.get("parity", "N")),
                stopbits=int(s.get("stop", 1)),
                xonxoff=s.get("flow") == "xonxoff",
                rtscts=s.get("flow") == "rtscts",
            )
        except (serial.SerialException, OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "参数不对或没有这个设备"
            raise ChannelProblem(f"串口 {s['device']} 打不开（{why}）：请检查连线、占用和权限。") from None
        self._gone.clear()
        await asyncio.sleep(0)  # the transport introduces itself in the loop's next turn

    def lost(self) -> None:
        """The protocol says that its line has ended."""
        self._gone.set()

    def watch(self) -> None:
        """From here on the port is opened again whenever it is lost."""
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        wait = float(self.channel.settings.get("reopen_s", 5))
        while True:
            await self._gone.wait()
            await asyncio.sleep(wait)
            try:
                await self.open()
            except ChannelProblem as problem:
                if self._intake is not None:
                    self._intake.trouble(problem.reason)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._transport is not None:
            self._transport.close()
