"""A centre over real HTTP and the hospital's client of it."""

import asyncio
import contextlib
from decimal import Decimal

import pytest

from simhospital.centre import server
from simhospital.centre.client import FeeLine, Patient, Visit
from simhospital.centre.line import Caller
from simhospital.centre.stays import StayClient
from simhospital.faults.board import Board

CALLER = Caller("H44050000001", "广元区人民医院（模拟）", "0012", "王收费")
PATIENT = Patient("李某", "110105198002030012")
AMOXICILLIN = "XJ01CAA040A001010100001"
CEFUROXIME = "XJ01DCT081B002010100002"


def visit(number="M1", **more):
    return Visit(number, "0101", "呼吸与危重症医学科", "D440500000001", "陈医生", **more)


def line(serial, national=AMOXICILLIN, count="2", price="12.50", **more):
    return FeeLine(serial, national, f"L{serial}", Decimal(count), Decimal(price), **more)


def person_like(want, start=1):
    """An invented identity number for which the open register makes a person with these values."""
    from datetime import date

    from simhospital.centre.business.people import imagine

    for number in range(start, 9000):
        certno = f"11010519800203{number:04d}"
        made = imagine(certno, "01", "某", "440500", date.today())
        if all(made[name] == value for name, value in want.items()):
            return Patient(f"某{number}", certno)
    raise AssertionError(want)


EMPLOYEE = {"insutype": "310", "psn_type": "11", "status": "1", "insuplc": "440500", "civil": 0}
RESIDENT = {"insutype": "390", "status": "1", "insuplc": "440500", "aid": 0}


class Town:
    """A centre, a client, a board."""

    def __init__(self, place, centre, client):
        self.place = place
        self.centre = centre
        self.client = client
        self.board: Board = centre.centre.board

    def rows(self, sql, *values):
        return [dict(row) for row in self.centre.centre.store.all(sql, *values)]


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch):
    """The board is looked at for every question, so that a fault is on the moment it is started."""
    monkeypatch.setattr("simhospital.faults.board.LOOK_S", 0)
    monkeypatch.setattr("simhospital.centre.server.WATCH_S", 0.01)


@contextlib.asynccontextmanager
async def town(place, profile="guangyuan", timeout_s=2.0, **more):
    centre = await server.start(profile_name=profile, directory=place, latency=0, **more)
    client = StayClient(centre.url, caller=CALLER, profile_name=profile, directory=place, timeout_s=timeout_s)
    try:
        yield Town(place, centre, client)
    finally:
        await client.close()
        await centre.stop()


@pytest.fixture
def in_town(tmp_path):
    """Run `async def scene(town)` in a fresh town."""

    def run(scene, **more):
        async def whole():
            async with town(tmp_path, **more) as place:
                return await scene(place)

        return asyncio.run(asyncio.wait_for(whole(), 30))

    return run
