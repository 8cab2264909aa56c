"""DICOM over real associations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityWorklistInformationFind, Verification

from xingwei.operations.gateway.channels.base import CallFailed, ChannelProblem, NotSent, Unknown
from xingwei.operations.gateway.channels.dicom.listener import DicomListener
from xingwei.operations.gateway.channels.dicom.sender import DicomSender
from xingwei.operations.gateway.channels.tests.support import FakeIntake, channel, outgoing, soon, until

CT = get_testdata_file("CT_small.dcm", read=False)
CHINESE = {"PatientName": "王^小明", "PatientID": "P9", "AccessionNumber": "A1"}


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 40))


def image(**values: str) -> Dataset:
    found = dcmread(CT)
    found.SpecificCharacterSet = "GB18030"
    for name, value in values.items():
        setattr(found, name, value)
    return found


def raw(found: Dataset) -> bytes:
    out = BytesIO()
    found.save_as(out)
    return out.getvalue()


def associate(port: int, *contexts: Any, title: str = "MODALITY") -> Any:
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    for context, syntax in contexts:
        entity.add_requested_context(context, syntax) if syntax else entity.add_requested_context(context)
    return entity.associate("127.0.0.1", port, ae_title="XINGWEI")


async def listening(intake: FakeIntake, **settings: Any) -> DicomListener:
    listener = DicomListener(channel("dicom", {"port": 0, **settings}), intake)
    await listener.start()
    return listener


def store(port: int, found: Dataset, title: str = "MODALITY") -> int | None:
    association = associate(port, (found.SOPClassUID, found.file_meta.TransferSyntaxUID), title=title)
    if not association.is_established:
        return None
    status = association.send_c_store(found)
    association.release()
    return int(status.Status)


def test_an_image_is_stored_before_its_status_is_returned() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake)
        one = image(**CHINESE)
        assert await asyncio.to_thread(store, listener.port, one) == 0
        got = intake.got[0]
        assert (got.control_id, got.type, got.patient, got.reference, got.charset) == (
            one.SOPInstanceUID,
            "C-STORE^CT",
            "P9",
            "A1",
            "gb18030",
        )
        assert got.peer == "MODALITY 127.0.0.1"
        again = dcmread(BytesIO(got.raw))
        assert again.PatientName == "王^小明"
        assert again.PixelData == one.PixelData
        intake.overloaded = "队列已满"
        assert await asyncio.to_thread(store, listener.port, one) == 0xA700
        await listener.stop()
        await until(lambda: intake.lines == 0)

    run(work)


def test_who_may_not_send_is_refused() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, peers=["CT01"])
        assert await asyncio.to_thread(store, listener.port, image(), "MODALITY") is None
        assert await asyncio.to_thread(store, listener.port, image(), "CT01") == 0
        await listener.stop()
        elsewhere = await listening(intake, allow=["10.0.0.0/8"])
        assert await asyncio.to_thread(store, elsewhere.port, image()) is None
        await elsewhere.stop()

    run(work)


def test_an_image_that_is_too_large_or_cannot_be_read_is_kept_aside() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, limit_mb=0.02)
        assert await asyncio.to_thread(store, listener.port, image()) == 0xC000
        assert "超过上限" in intake.got[0].problem
        await listener.stop()

    run(work)


def test_echo_noise_and_silence() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, network_s=1)

        def echo() -> int:
            association = associate(listener.port, (Verification, None))
            status = association.send_c_echo()
            association.release()
            return int(status.Status)

        assert await asyncio.to_thread(echo) == 0
        for noise in (b"\x00" * 2000, b"GET / HTTP/1.1\r\n\r\n", b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(noise)
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
        assert await asyncio.to_thread(echo) == 0
        await listener.stop()

    run(work)


def find(port: int) -> list[Any]:
    association = associate(port, (ModalityWorklistInformationFind, None))
    query = Dataset()
    query.PatientName = ""
    query.PatientID = "P9"
    step = Dataset()
    step.Modality = "CT"
    query.ScheduledProcedureStepSequence = [step]
    found = [
        (int(status.Status), item) for status, item in association.send_c_find(query, ModalityWorklistInformationFind)
    ]
    association.release()
    return found


def test_a_worklist_is_asked_of_the_receiver() -> None:
    async def work() -> None:
        item = {
            **CHINESE,
            "ScheduledProcedureStepSequence": [{"Modality": "CT", "ScheduledStationAETitle": "CT01"}],
            "own": 1,
        }
        intake = FakeIntake(json.dumps([item]).encode())
        listener = await listening(intake, worklist=True)
        found = await asyncio.to_thread(find, listener.port)
        assert [status for status, _ in found] == [0xFF00, 0]
        assert found[0][1].PatientName == "王^小明"
        assert found[0][1].ScheduledProcedureStepSequence[0].ScheduledStationAETitle == "CT01"
        asked = json.loads(intake.called[0].raw)
        assert (asked["PatientID"], asked["ScheduledProcedureStepSequence"]) == ("P9", [{"Modality": "CT"}])
        for answer in (CallFailed("RIS 暂停", "unavailable"), b"<html>"):
            intake.answer = answer
            assert [status for status, _ in await asyncio.to_thread(find, listener.port)] == [0xC001]
        assert "RIS 暂停" in intake.troubles[0]
        await listener.stop()

    run(work)


def archive(status: int, seen: list[Any]) -> Any:
    def handle(event: Any) -> int:
        seen.append(event.dataset.PatientID)
        if status == -1:
            event.assoc.abort()
        return max(status, 0)

    entity = AE(ae_title="PACS")
    entity.add_supported_context(dcmread(CT).SOPClassUID)
    return entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, handle)])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, (True, False)),
        (0xB000, (True, False)),
        (0xA700, (False, False)),
        (0xA900, (False, True)),
        (0xC000, (False, True)),
    ],
)
def test_what_an_archive_says(status: int, expected: tuple[bool, bool]) -> None:
    async def work() -> None:
        seen: list[Any] = []
        server = archive(status, seen)
        sender = DicomSender(channel("dicom", {"port": server.socket.getsockname()[1]}, direction="out"))
        answer = await sender.send(outgoing(raw(image(PatientID="P9"))), soon(10))
        assert (answer.ok, answer.permanent) == expected
        assert answer.code == f"{status:04X}"
        assert seen == ["P9"]
        await asyncio.to_thread(server.shutdown)

    run(work)


def test_an_archive_that_is_not_there_breaks_off_or_wants_other_images() -> None:
    async def work() -> None:
        picture = outgoing(raw(image()))
        with pytest.raises(NotSent, match="连不上"):
            await DicomSender(channel("dicom", {"port": 9}, direction="out")).send(picture, soon())
        server = archive(-1, [])
        sender = DicomSender(channel("dicom", {"port": server.socket.getsockname()[1]}, direction="out"))
        with pytest.raises(Unknown):
            await sender.send(picture, soon())
        await asyncio.to_thread(server.shutdown)
        assert (await sender.send(outgoing(b"junk"), soon())).permanent
        entity = AE()
        entity.add_supported_context(Verification)
        server = entity.start_server(("127.0.0.1", 0), block=False)
        sender = DicomSender(channel("dicom", {"port": server.socket.getsockname()[1]}, direction="out"))
        answer = await sender.send(picture, soon())
        assert (answer.permanent, answer.code) == (True, "表示上下文")
        await asyncio.to_thread(server.shutdown)

    run(work)


def test_a_port_that_is_taken_says_so() -> None:
    async def work() -> None:
        other = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        with pytest.raises(ChannelProblem, match="端口被别的程序占用"):
            await DicomListener(channel("dicom", {"port": other.sockets[0].getsockname()[1]}), FakeIntake()).start()
        other.close()

    run(work)


def test_a_message_that_would_never_end_is_cut_off() -> None:
    async def work() -> None:
        intake = FakeIntake()
        listener = await listening(intake, network_s=2)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"\x01\x00\xff\xff\xff\xff" + b"x" * 1000)
        await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert await asyncio.to_thread(store, listener.port, image()) == 0
        await listener.stop()

    run(work)
