"""The handshake and how many days the certificate has left; an expired or foreign certificate is read all the same."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime

from cryptography import x509

from ...engine.judging import Limit
from ..base import HOST, MS, PORT, UP, Kind, Looked, Signal, Task, register, schema, why

DAYS = Signal("tls.days", "证书剩余", "天", "low")


async def look(task: Task) -> Looked:
    host, port = task.settings["host"], task.settings["port"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the age is read of whatever is shown
    began = time.perf_counter()
    try:
        async with asyncio.timeout(task.timeout_s):
            _, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=task.settings.get("name") or host
            )
    except (OSError, TimeoutError, ssl.SSLError) as error:
        return Looked(False, f"{host}:{port} {why(error)}")
    ms = (time.perf_counter() - began) * 1000
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    if not shown:
        return Looked(False, f"{host}:{port} 没有出示证书")
    return judged(x509.load_der_x509_certificate(shown), ms, task.settings.get("name", ""))


def judged(certificate: x509.Certificate, ms: float | None, name: str = "") -> Looked:
    left = (certificate.not_valid_after_utc - datetime.now(UTC)).total_seconds() / 86400
    values = {"tls.days": round(left, 2)} | ({"ms": ms} if ms is not None else {})
    until = f"{certificate.not_valid_after_utc.astimezone():%Y-%m-%d}"
    if left <= 0:
        return Looked(False, f"证书已于 {until} 过期", values)
    if certificate.not_valid_before_utc > datetime.now(UTC):
        return Looked(False, f"证书还没有生效（{certificate.not_valid_before_utc:%Y-%m-%d}）", values)
    if name and not _names(certificate, name):
        return Looked(False, f"证书不是发给 {name} 的", values)
    return Looked(True, f"证书到 {until}，还有 {left:.0f} 天", values)


def _names(certificate: x509.Certificate, name: str) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    except x509.ExtensionNotFound:
        names = [str(a.value) for a in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    head, _, rest = name.partition(".")
    return any(
        n.lower() == name.lower() or (n.startswith("*.") and head and n[2:].lower() == rest.lower()) for n in names
    )


register(
    Kind(
        "tls", "证书", "握手，读出示的证书还有几天到期",
        schema({"host": HOST, "port": PORT, "name": HOST | {"title": "证书应有的名称"}}, ["host", "port"]),
        (UP, MS, DAYS), look, (Limit("tls.days", warn=30, down=7, below=True),), layer="network",
    )
)  # fmt: skip
