"""Modalities that send images and ask for their worklist. pynetdicom's threads run beside the loop; each image is
stored by the loop before its status is returned."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import ModalityWorklistInformationFind, Verification  # type: ignore[attr-defined]

from ...engine.documents.charsets import codec_of
from ..base import CallFailed, ChannelConfig, Intake, Overloaded, Received, not_listening
from ..http.listener import moment
from ..sources import may, networks
from .worklist import answers, question

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND, REFUSED = 0x0000, 0xA700, 0xC000, 0x0122
PENDING, UNABLE = 0xFF00, 0xC001


_LARGEST_PDU = 1024 * 1024


class Bounded:
    """The reading side of a connection, so that no message grows without end: pynetdicom believes every length that it
    is told, and reads on after what is no PDU at all."""

    def __init__(self, recv: Callable[[int], bytes], limit: int) -> None:
        self._recv = recv
        self._limit = limit + _LARGEST_PDU
        self.count = 0

    def __call__(self, size: int) -> bytes:
        if size > _LARGEST_PDU:
            raise OSError("a PDU that is too large")
        data = self._recv(size)
        self.count += len(data)
        if self.count > self._limit or (size == 6 and data and not 1 <= data[0] <= 7):
            raise OSError("no DICOM, or a message that is too large")
        return data


class DicomListener:
    def __init__(self, channel: ChannelConfig, intake: Intake) -> None:
        s = channel.settings
        self.channel = channel
        self.intake = intake
        self._limit = int(float(s.get("limit_mb", 64)) * 2**20)
        self._patience_s = min(30.0, float(s.get("network_s", 60)))
        self._store_s = float(s.get("store_s", 30))
        self._allowed = networks(s.get("allow") or [])
        self._loop: asyncio.AbstractEventLoop
        self._server: Any = None

    @property
    def port(self) -> int:
        return int(self._server.socket.getsockname()[1])

    def _entity(self) -> AE:
        s = self.channel.settings
        entity = AE(ae_title=str(s.get("title") or "XINGWEI"))
        entity.maximum_associations = int(s.get("connections", 20))
        entity.network_timeout = float(s.get("network_s", 60))
        entity.acse_timeout = entity.dimse_timeout = min(30.0, entity.network_timeout)
        entity.require_called_aet = False
        entity.require_calling_aet = [str(title) for title in s.get("peers") or []]
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES)
        entity.add_supported_context(Verification)
        if s.get("worklist"):
            entity.add_supported_context(ModalityWorklistInformationFind)
        return entity

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        s = self.channel.settings
        host, port = str(s.get("host") or "127.0.0.1"), int(s["port"])
        handlers: Any = [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_CONN_CLOSE, self._closed),
            (evt.EVT_C_ECHO, lambda event: SUCCESS),
            (evt.EVT_C_STORE, self._stored),
            (evt.EVT_C_FIND, self._found),
        ]
        try:
            self._server = await asyncio.to_thread(
                self._entity().start_server, (host, port), block=False, evt_handlers=handlers
            )
        except OSError as error:
            raise not_listening(host, port, error) from None

    async def stop(self) -> None:
        if self._server is not None:
            await asyncio.to_thread(self._server.shutdown)

    # called in pynetdicom's threads

    def _say(self, what: Any, *given: Any) -> None:
        self._loop.call_soon_threadsafe(what, *given)

    def _wait(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def _opened(self, event: Any) -> None:
        self._say(self.intake.connections, +1)
        line = event.assoc.dul.socket
        line.recv = event.assoc.bounded = Bounded(line.recv, self._limit)
        self._loop.call_soon_threadsafe(self._loop.call_later, self._patience_s, self._check, event.assoc)

    def _check(self, association: Any) -> None:
        """Who has not asked for an association by now is no modality."""
        line = association.dul.socket
        if not association.is_established and line is not None:
            self.intake.trouble("连接后没有请求关联")
            self._loop.run_in_executor(None, line.close)

    def _closed(self, event: Any) -> None:
        self._say(self.intake.connections, -1)

    def _requested(self, event: Any) -> None:
        if not may(str(event.assoc.requestor.address), self._allowed):
            self._say(self.intake.trouble, "关联被拒绝：来源不在允许之列")
            event.assoc.acse.send_reject(0x01, 0x01, 0x03)
            event.assoc.kill()

    def _stored(self, event: Any) -> int:
        event.assoc.bounded.count = 0
        raw = event.encoded_dataset()
        received = self._received(event, raw)
        try:
            self._wait(self.intake.accept(received), self._store_s)
        except (Overloaded, concurrent.futures.TimeoutError):
            return OUT_OF_RESOURCES
        return CANNOT_UNDERSTAND if received.problem else SUCCESS

    def _received(self, event: Any, raw: bytes) -> Received:
        """raw: a file of DICOM part 10: the data set as it came, with the meta information before it."""
        request = event.request
        got = Received(
            raw,
            control_id=str(request.AffectedSOPInstanceUID or ""),
            type="C-STORE",
            peer=f"{event.assoc.requestor.ae_title.strip()} {event.assoc.requestor.address}",
        )
        if len(raw) > self._limit:
            got.problem = f"影像有 {len(raw) // 2**20} MB，超过上限。"
            return got
        try:
            found: Dataset = event.dataset
            charset = found.get("SpecificCharacterSet") or ""
            got.type = f"C-STORE^{str(found.get('Modality', ''))[:16]}"
            got.patient = str(found.get("PatientID", ""))[:64]
            got.reference = str(found.get("AccessionNumber", "") or found.get("StudyInstanceUID", ""))[:64]
            got.key = got.patient or got.reference
            got.charset = codec_of(charset if isinstance(charset, str) else str(charset[-1]))
            got.event_at = moment(str(found.get("StudyDate", "")) + str(found.get("StudyTime", "000000"))[:6])
        except Exception:  # the library has many ways of being unable to read
            got.problem = "影像的数据集读不懂。"
        return got

    def _found(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        """A worklist query is carried as a call; its JSON answer is the list."""
        try:
            asked = question(event.identifier)
        except Exception:
            yield UNABLE, None
            return
        raw = json.dumps(asked, ensure_ascii=False).encode()
        peer = event.assoc.requestor.ae_title.strip()
        received = Received(raw, type="MWL", key=peer, charset="utf-8", peer=peer)
        try:
            told = self._wait(self.intake.call(received), self.channel.budget_s + 5)
            found = list(answers(told, event.identifier))
        except (Overloaded, CallFailed, ValueError, concurrent.futures.TimeoutError) as error:
            self._say(self.intake.trouble, f"工作列表没有查到：{getattr(error, 'reason', type(error).__name__)}")
            yield UNABLE, None
            return
        for item in found:
            if event.is_cancelled:
                yield 0xFE00, None
                return
            yield PENDING, item
