"""Days until something ends: a certificate in a file, or a date that somebody wrote down (a licence, a UKey)."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from pathlib import Path

from cryptography import x509

from ...engine.judging import Limit
from ..base import UP, Kind, Looked, Signal, Task, register, schema
from ..tls import judged

DAYS = Signal("lic.days", "授权剩余", "天", "low")
CERTIFICATE = Signal("tls.days", "证书剩余", "天", "low")


async def look(task: Task) -> Looked:
    s = task.settings
    if s.get("until"):
        left = (date.fromisoformat(s["until"]) - datetime.now().astimezone().date()).days
        values = {"lic.days": float(left)}
        if left < 0:
            return Looked(False, f"已于 {s['until']} 到期", values)
        return Looked(True, f"到 {s['until']}，还有 {left} 天", values)
    try:
        raw = await asyncio.to_thread(Path(s["path"]).read_bytes)
        found = x509.load_pem_x509_certificate(raw) if b"-----BEGIN" in raw else x509.load_der_x509_certificate(raw)
    except OSError as error:
        return Looked(False, f"证书文件读不到：{error.strerror}")
    except ValueError:
        return Looked(False, "文件里没有能读的证书")
    return judged(found, None)


SETTINGS = {
    "until": {"type": "string", "format": "date", "title": "到期日"},
    "path": {"type": "string", "pattern": "^/", "title": "证书文件"},
}
_SCHEMA = schema(SETTINGS, []) | {"oneOf": [{"required": ["until"]}, {"required": ["path"]}]}
register(
    Kind("licence", "到期", "证书文件或授权还有几天到期", _SCHEMA, (UP, DAYS, CERTIFICATE), look,
         (Limit("lic.days", warn=60, down=7, below=True), Limit("tls.days", warn=30, down=7, below=True)), layer="host")
)  # fmt: skip
