"""One message, said by hand: `simhospital say`."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from simhospital.generate import dictionaries
from simhospital.settings import Settings

from . import messages
from .hospital import DEVICES, Hospital
from .visits import say
from .world import Sample, Visit, now

KINDS = ("his-adt", "cis-orders", "lis-report", "pacs-report", *DEVICES)
_SECTIONS = {"dev-cbc": 1, "dev-chem1": 2, "dev-chem2": 2, "dev-coag": 3, "dev-immuno": 4}


async def speak(settings: Settings, kind: str, count: int, limit_s: float) -> dict[str, int]:
    """Send so many messages of a kind and wait for their answers; how many by state (acknowledged, refused, waiting)."""
    with tempfile.TemporaryDirectory(prefix="simhospital-say-") as place:
        h = Hospital(settings, Path(place))
        link = h.links[kind]
        for n in range(count):
            _put(h, kind, n)
        task = asyncio.create_task(link.run())
        end = time.monotonic() + limit_s
        while link.book.backlog(kind) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        found = {key.rsplit(" ", 1)[1]: n for key, n in link.book.counts().items() if key.startswith(f"sent {kind} ")}
        await h.stop()
        return found


def _put(h: Hospital, kind: str, n: int) -> None:
    at, doctor, diagnosis = now(), h.world.doctor(), h.world.diagnosis()
    serial = int(time.time() * 10) % 100_000
    visit = Visit(
        serial * 10 + n, f"O{at:%y%m%d}{serial:05d}{n}", h.world.arrival(), doctor, False, at, diagnosis["icd"], diagnosis["name"],
        diagnosis["complaint"],
    )  # fmt: skip
    section = _SECTIONS.get(kind, 1)
    panel = next(p for p in dictionaries.panels() if p.section == section)
    sample = Sample(
        f"1{at:%y%j}{serial % 1000:03d}{n % 1000:03d}",
        f"S{visit.id}",
        panel,
        visit.patient,
        doctor,
        visit.number,
        "1",
        False,
        at,
    )
    h.world.measure(sample)
    if kind in h.devices:
        h.devices[kind].measure(sample)
    elif kind == "his-adt":
        say(
            h,
            kind,
            "HIS",
            "ADT^A04",
            visit,
            lambda head: messages.adt("A04", head, visit.patient, doctor.department_name, doctor, visit.number, at),
        )
    elif kind == "cis-orders":
        say(h, kind, "CIS", "OML^O21", visit, lambda head: messages.oml(head, visit, [sample], at))
    elif kind == "lis-report":
        say(h, kind, "LIS", "ORU^R01", visit, lambda head: messages.report(head, sample, at, "10001", "10002"))
    else:
        exam = dictionaries.rows("exams")[0]
        study = f"1.2.826.0.1.3680043.10.1.{visit.id}"
        say(
            h, kind, "PACS", "ORU^R01", visit,
            lambda head: messages.image_report(head, visit.patient, doctor, visit.number, sample.order, exam, study, at),
        )  # fmt: skip
