"""Images to an archive by C-STORE, each in an association of its own, in a thread. An archive tells a repeat by the SOP
instance UID."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pynetdicom import AE

from ..base import Answer, ChannelConfig, NotSent, Outgoing, Unknown, left


class DicomSender:
    repeatable = True

    def __init__(self, channel: ChannelConfig) -> None:
        self.channel = channel

    async def close(self) -> None:
        """No association is kept."""

    async def send(self, outgoing: Outgoing, deadline: float) -> Answer:
        return await asyncio.to_thread(self._send, outgoing, deadline)

    def _send(self, outgoing: Outgoing, deadline: float) -> Answer:
        try:
            image: FileDataset = dcmread(BytesIO(outgoing.raw), force=False)
            kind, syntax = image.file_meta.MediaStorageSOPClassUID, image.file_meta.TransferSyntaxUID
        except Exception:  # the library has many ways of being unable to read
            return Answer(False, permanent=True, code="DICOM", text="不是 DICOM 文件，或缺少文件头。")
        s = self.channel.settings
        entity = AE(ae_title=str(s.get("title") or "XINGWEI"))
        entity.connection_timeout = min(float(s.get("connect_s", 5)), max(0.1, left(deadline)))
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = max(0.5, left(deadline))
        entity.add_requested_context(kind, syntax)
        host, port = str(s.get("host") or "127.0.0.1"), int(s["port"])
        association = entity.associate(host, port, ae_title=str(s.get("peer") or "PACS"))
        try:
            return self._through(association, image, f"{host}:{port}")
        finally:
            if association.is_established:
                association.release()

    def _through(self, association: Any, image: FileDataset, where: str) -> Answer:
        if association.is_rejected:
            raise NotSent(f"{where} 拒绝了关联：请核对双方的 AE 标题。")
        if not association.is_established:
            if association.rejected_contexts:
                return Answer(False, permanent=True, code="表示上下文", text="对方不接受这类影像或它的压缩方式。")
            raise NotSent(f"连不上 {where}，或对方没有建立关联。")
        if not association.accepted_contexts:
            return Answer(False, permanent=True, code="表示上下文", text="对方不接受这类影像或它的压缩方式。")
        try:
            status = association.send_c_store(image)
        except (ValueError, RuntimeError, AttributeError):
            return Answer(False, permanent=True, code="DICOM", text="影像编码不了，没有发出。")
        if not status or "Status" not in status:
            raise Unknown("对方没有应答，或中断了关联。", timeout=True)
        code = int(status.Status)
        text = str(status.get("ErrorComment", ""))[:200]
        if code == 0 or 0xB000 <= code <= 0xBFFF:
            return Answer(True, code=f"{code:04X}", text=text)
        permanent = 0xA900 <= code <= 0xA9FF or 0xC000 <= code <= 0xCFFF or code == 0x0122
        return Answer(False, permanent=permanent, code=f"{code:04X}", text=text or f"对方返回状态 {code:04X}")
