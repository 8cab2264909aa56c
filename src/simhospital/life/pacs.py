"""PACS and its modalities: small studies go out by C-STORE through the gateway, and come in at the archive."""

from __future__ import annotations

import asyncio
import io
import logging
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import DigitalXRayImageStorageForPresentation as DX_STORAGE  # type: ignore[attr-defined]
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from simhospital.generate.dictionaries import Row

from . import points
from .book import Book
from .world import Patient, now

log = logging.getLogger("simhospital.pacs")
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # it reports every refused connection
TITLE, MODALITY_TITLE = "GYPACS", "GYMODALITY"
_SIDE = 64


def image(patient: Patient, exam: Row, accession: str, study: str, *, charset: str = "GB18030") -> Dataset:
    """A small image of one examination, the patient's name in Chinese."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(io.BytesIO(), {}, file_meta=meta, preamble=b"\0" * 128)
    at = now()
    facts: dict[str, Any] = {
        "SpecificCharacterSet": charset, "SOPClassUID": meta.MediaStorageSOPClassUID, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": study, "SeriesInstanceUID": generate_uid(), "AccessionNumber": accession, "Modality": exam["kind"],
        "PatientName": patient.name, "PatientID": str(patient.brid), "PatientSex": "M" if patient.sex == "1" else "F",
        "PatientBirthDate": f"{patient.born:%Y%m%d}", "StudyDate": f"{at:%Y%m%d}",
        "StudyTime": f"{at:%H%M%S}", "StudyDescription": exam["fymc"],
        "SeriesNumber": 1, "InstanceNumber": 1, "Rows": _SIDE, "Columns": _SIDE, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7,
        "PixelRepresentation": 0, "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BodyPartExamined": "CHEST",
    }  # fmt: skip
    for name, value in facts.items():
        setattr(ds, name, value)
    ds.PixelData = (np.add.outer(np.arange(_SIDE), np.arange(_SIDE)) % 256).astype("uint8").tobytes()
    return ds


class Archive:
    """The storage SCP of the PACS."""

    def __init__(self, host: str, port: int, book: Book) -> None:
        self.host, self.port, self.book = host, port, book
        self.taken = 0
        self._server: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        self._loop = asyncio.get_running_loop()
        ae = AE(ae_title=TITLE)
        ae.add_supported_context(DX_STORAGE)
        ae.add_supported_context(Verification)
        self._server = ae.start_server(
            (self.host, self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )
        self.port = self._server.socket.getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await asyncio.to_thread(server.shutdown)

    async def run(self) -> None:
        """Keep listening until cancelled; away while `system-down` is on."""
        try:
            while True:
                down = points.active("system-down", "pacs")
                if down and self._server is not None:
                    points.did(down, system="pacs")
                    await self.stop()
                elif not down and self._server is None:
                    try:
                        await self.start()
                    except OSError as error:
                        log.debug("pacs: %s", error)
                await asyncio.sleep(0.5)
        finally:
            await self.stop()

    def _store(self, event: Any) -> int:
        """In a thread of pynetdicom; the book is written by the hospital's own."""
        if points.active("mllp-refuse", "pacs"):
            return 0xA700  # out of resources
        ds = event.dataset
        uid, patient = str(ds.SOPInstanceUID), str(ds.get("PatientID", ""))
        assert self._loop is not None
        written = asyncio.run_coroutine_threadsafe(self._book(uid, patient), self._loop)
        written.result(20)
        return 0x0000

    async def _book(self, uid: str, patient: str) -> None:
        self.book.took("pacs", uid, "C-STORE", patient, uid.encode(), b"0000")
        self.taken += 1


class Modality:
    """Sends images to the gateway; what could not be sent waits in memory and is tried again."""

    def __init__(self, host: str, port: int, book: Book) -> None:
        self.host, self.port, self.book = host, port, book
        self.queue: asyncio.Queue[Dataset] = asyncio.Queue(200)
        self.sent = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            ds = await self.queue.get()
            number = self.book.write(
                "dev-image", str(ds.SOPInstanceUID), "C-STORE", str(ds.PatientID), str(ds.SOPInstanceUID).encode()
            )
            pause = 1.0
            while True:
                held = points.active("send-silent", "dev-image") or points.active("system-down", "dev-image")
                if not held and await asyncio.to_thread(self._send, ds):
                    break
                await asyncio.sleep(pause)
                pause = min(30.0, pause * 2)
            self.book.answered(number, "acknowledged", "0000")
            self.sent += 1

    def _send(self, ds: Dataset) -> bool:
        ae = AE(ae_title=MODALITY_TITLE)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 10
        ae.connection_timeout = 5
        ae.add_requested_context(DX_STORAGE, ExplicitVRLittleEndian)
        association = ae.associate(self.host, self.port, ae_title="XINGWEI")
        if not association.is_established:
            return False
        try:
            status = association.send_c_store(ds)
            return bool(status) and status.Status == 0x0000
        finally:
            association.release()
