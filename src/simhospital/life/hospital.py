"""The living hospital put together: who listens where, who sends where, and what keeps them going."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from simhospital.centre.line import Caller
from simhospital.centre.stays import StayClient
from simhospital.channels.book import ChannelBook
from simhospital.generate import dictionaries
from simhospital.settings import Settings
from simhospital.vitals.server import Vitals

from . import instruments, services
from .book import Book
from .cashdesk import Desk
from .laboratory import Laboratory
from .links import AstmLink, Link, MllpLink
from .outward import Calls, HttpLink
from .pacs import Archive, Modality
from .receivers import Handle, Receiver, nothing
from .records import Records
from .services import Service
from .world import World

log = logging.getLogger("simhospital")
OWNERS = {
    "his-adt": "his",
    "cis-orders": "cis",
    "lis-report": "lis",
    "pacs-report": "pacs",
    "label": "label",
    "trace": "his",
    "circulation": "cis",
}
DEVICES = {
    "dev-cbc": (MllpLink, instruments.erba, "ORU^R01"),
    "dev-chem1": (MllpLink, instruments.mindray, "ORU^R01"),
    "dev-chem2": (MllpLink, instruments.mindray, "ORU^R01"),
    "dev-immuno": (AstmLink, instruments.astm, "ASTM"),
    "dev-coag": (AstmLink, instruments.astm, "ASTM"),
}


class Hospital:
    """All systems of one hospital in one event loop. place: where its books lie."""

    def __init__(self, settings: Settings, place: Path) -> None:
        self.settings = settings
        self.place = place
        self.world = World(settings.traffic.seed, settings.traffic.patients)
        self.records = Records(settings.database_url)
        self.books: dict[str, Book] = {}
        self.links: dict[str, Link] = {}
        self.desk = Desk()
        self.tasks: set[asyncio.Future[Any]] = set()
        self._outgoing()
        self._incoming()
        self.calls = Calls(settings.http, self.book("calls"))
        caller = Caller(settings.organisation, settings.name)
        self.insurance = StayClient(f"{settings.http}/yb", caller=caller, directory=None)
        self.modality = Modality(settings.host, settings.gateway["dicom"], self.book("pacs"))
        self.archive = Archive(settings.host, settings.own["pacs"], self.book("pacs"))
        self.vitals = Vitals(settings, place, self.insurance)
        self.stages: dict[str, int] = {}
        self.world_exams = dictionaries.rows("exams")

    def book(self, system: str) -> Book:
        """The book of a system, opened once."""
        if system not in self.books:
            self.books[system] = Book(self.place / "books" / f"{system}.sqlite")
        return self.books[system]

    def count(self, what: str) -> None:
        """Something happened, for `simhospital status`."""
        self.stages[what] = self.stages.get(what, 0) + 1

    # ----- putting together
    def _outgoing(self) -> None:
        s = self.settings
        for channel in ("his-adt", "cis-orders", "lis-report", "pacs-report"):
            self.links[channel] = self._link(MllpLink, channel, s.gateway[channel], OWNERS[channel])
        for channel, path in (
            ("label", "/label/report"),
            ("trace", "/trace/upload"),
            ("circulation", "/circulation/push"),
        ):
            link = self._link(HttpLink, channel, s.gateway["http"], OWNERS[channel])
            assert isinstance(link, HttpLink)
            self.links[channel] = link.aimed(path)
        self.devices: dict[str, instruments.Analyser] = {}
        for channel, (kind, write, type_) in DEVICES.items():
            link = self._link(kind, channel, s.gateway[channel], channel)
            self.links[channel] = link
            self.devices[channel] = instruments.Analyser(channel, link, s.habits, write, type_)

    def _link(self, kind: type[Link], channel: str, port: int, owner: str) -> Link:
        s = self.settings
        return kind(channel, s.host, port, self.book(owner), s.charset_of(channel), s.habits, owner)

    def _incoming(self) -> None:
        s = self.settings
        self.laboratory = Laboratory(self.links["lis-report"], self.records, self.later)
        handles: dict[str, Handle] = {"lis": self.laboratory.handle}
        self.receivers = [
            Receiver(code, s.host, s.own[code], self.book(code), handles.get(code, nothing), s.habits)
            for code in ("lis", "cis", "emr", "his", "opd", "odr")
        ]
        self.receivers[0].foreign = self.laboratory.foreign
        self.channels = ChannelBook(self.place / "channels" / "channels.sqlite")
        self.payments = services.Payments(self.channels)
        answers: dict[str, services.Answer] = {
            "hlyy": services.review, "circulation": services.circulate, "trace": services.trace, "pay": self.payments.answer,
            "lis-label": self.laboratory.label,
        }  # fmt: skip
        self.services = [
            Service(code, s.host, s.own[code], self.book(code), answer) for code, answer in answers.items()
        ]

    # ----- life
    def keep(self, work: Awaitable[Any]) -> None:
        """Run something beside; what it raises is logged and ends it alone."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a part of the hospital stumbled", exc_info=error)
            self.count("stumbled")

    def later(self, minutes: float, work: Callable[[], Awaitable[Any]]) -> None:
        """Do it after so many of the hospital's minutes (an hour passes in a minute at haste 60)."""
        self.keep(self._later(minutes, work))

    async def _later(self, minutes: float, work: Callable[[], Awaitable[Any]]) -> None:
        await self.wait(minutes)
        await work()

    async def wait(self, minutes: float) -> None:
        """Let so many of the hospital's minutes pass, a little more or less."""
        await asyncio.sleep(minutes * 60 / self.settings.traffic.haste * (0.6 + 0.8 * self.world.chance.random()))

    async def start(self) -> list[str]:
        """Open every port and start every line; in words, which ports are taken (they are tried again and again)."""
        await self.records.start()
        troubles = []
        parts: list[Receiver | Service | Archive] = [*self.receivers, *self.services, self.archive]
        for part in parts:
            try:
                await part.start()
            except OSError as error:
                troubles.append(f"端口 {part.port} 用不了（{error.strerror or error}），过后再试")
            self.keep(part.run())
        troubles += await self.vitals.start()
        self.keep(self.vitals.run())
        for link in self.links.values():
            self.keep(link.run())
        self.keep(self.modality.run())
        return troubles

    async def stop(self) -> None:
        """Close everything; what was not sent waits in the books."""
        while self.tasks:  # some start others while they end
            for task in list(self.tasks):
                task.cancel()
            await asyncio.wait(list(self.tasks), timeout=2)
        await self.calls.close()
        await self.insurance.close()
        await self.records.stop()
        self.channels.close()
        for book in self.books.values():
            book.close()

    def status(self) -> dict[str, Any]:
        """Lines, backlogs and counts, for people."""
        lines = {c: {"connected": li.connected, "waiting": li.book.backlog(c)} for c, li in self.links.items()}
        taken = (
            {r.code: r.taken for r in self.receivers}
            | {s.code: s.taken for s in self.services}
            | {"pacs": self.archive.taken}
        )
        return {
            "lines": lines, "taken": taken, "happened": dict(sorted(self.stages.items())), "reports": self.laboratory.reports,
            "unmatched": self.laboratory.unmatched, "images": self.modality.sent, "database": {"written": self.records.written,
            "failed": self.records.failed, "problem": self.records.problem},
        }  # fmt: skip
