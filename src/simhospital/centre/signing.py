"""Signatures of the interface: of the headers (HmacSHA1, SM3) and of the body (SM2, SM3).

Headers, HmacSHA1 (Hunan, annex A): `_api_signature` = Base64(HmacSHA1(secret, "k=v&k=v" of the other `_api_…`
headers sorted by name)). Headers, SM3 (`x-ca-…`): Base64(HMAC-SM3(secret, "k=v&…" of x-ca-key, x-ca-nonce and
x-ca-timestamp, then "&body=" and the hexadecimal SM3 of the body)). Body: the fields of the envelope without
`cainfo` and `input`, sorted by name, joined "k=v&…", signed with SM2 (Base64 of DER) or digested with SM3 after
"&key=secret"; the result is `cainfo`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tongsuopy.crypto import hashes, serialization
from tongsuopy.crypto.asymciphers import ec

from .refused import BAD_SIGNATURE, NO_HEADERS, STALE, UNKNOWN_USER, GatewayRefused

BLOCK = 64
HMAC_HEADERS = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
SM3_HEADERS = ("x-ca-key", "x-ca-nonce", "x-ca-timestamp")


@dataclass(frozen=True, slots=True)
class Account:
    """What the centre and one hospital share: an access key with its secret, and the hospital's SM2 pair (PEM)."""

    access_key: str
    secret: str
    sm2_private: str
    sm2_public: str


def account(path: Path) -> Account:
    """The account in this file; made anew if the file is absent."""
    if path.exists():
        return Account(**json.loads(path.read_text("utf-8")))
    private = ec.generate_private_key(ec.SM2())
    made = Account(
        access_key=secrets.token_hex(8),
        secret=secrets.token_hex(16),
        sm2_private=private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        sm2_public=private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(0o600)
    fresh.write_text(json.dumps(asdict(made)), "utf-8")
    with contextlib.suppress(FileExistsError):  # hospital and centre may both be first
        os.link(fresh, path)
    fresh.unlink()
    return Account(**json.loads(path.read_text("utf-8")))


def sm3(data: bytes) -> bytes:
    """The SM3 digest (GB/T 32905)."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return bytes(digest.finalize())


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """HMAC over SM3 (RFC 2104 with a block of 64 bytes)."""
    key = (sm3(key) if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    inner = sm3(bytes(b ^ 0x36 for b in key) + data)
    return sm3(bytes(b ^ 0x5C for b in key) + inner)


def _joined(values: Mapping[str, Any], names: Any) -> str:
    return "&".join(f"{name}={values[name]}" for name in sorted(names))


def _hmac_sha1(headers: Mapping[str, str], secret: str) -> str:
    signed = _joined(headers, HMAC_HEADERS).encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha1).digest()).decode()


def _header_sm3(headers: Mapping[str, str], secret: str, body: bytes) -> str:
    signed = _joined(headers, SM3_HEADERS) + "&body=" + sm3(body).hex()
    return base64.b64encode(hmac_sm3(secret.encode(), signed.encode())).decode()


def sign_headers(mode: str, who: Account, infno: str, body: bytes, milliseconds: int) -> dict[str, str]:
    """The headers of a request: mode `hmac_sha1`, `sm3` or `none`; the time in milliseconds since 1970."""
    if mode == "hmac_sha1":
        headers = {
            "_api_name": infno,
            "_api_version": "1.0.0",
            "_api_timestamp": str(milliseconds),
            "_api_access_key": who.access_key,
        }
        return headers | {"_api_signature": _hmac_sha1(headers, who.secret)}
    if mode == "sm3":
        headers = {
            "x-ca-key": who.access_key,
            "x-ca-nonce": secrets.token_hex(8),
            "x-ca-timestamp": str(milliseconds),
        }
        return headers | {"x-ca-signature": _header_sm3(headers, who.secret, body)}
    return {}


def verify_headers(
    mode: str, who: Account, headers: Mapping[str, str], body: bytes, now_ms: int, window_s: float
) -> None:
    """Raise GatewayRefused with the text of table 6 where the headers do not hold."""
    if mode == "none":
        return
    names, key, stamp, signature = (
        (HMAC_HEADERS, "_api_access_key", "_api_timestamp", "_api_signature")
        if mode == "hmac_sha1"
        else (SM3_HEADERS, "x-ca-key", "x-ca-timestamp", "x-ca-signature")
    )
    if any(not headers.get(name) for name in (*names, signature)):
        raise GatewayRefused(NO_HEADERS)
    if headers[key] != who.access_key:
        raise GatewayRefused(UNKNOWN_USER)
    if not headers[stamp].isdigit() or abs(int(headers[stamp]) - now_ms) > window_s * 1000:
        raise GatewayRefused(STALE)
    plain = {name: headers[name] for name in names}
    right = _hmac_sha1(plain, who.secret) if mode == "hmac_sha1" else _header_sm3(plain, who.secret, body)
    if not hmac.compare_digest(right, headers[signature]):
        raise GatewayRefused(BAD_SIGNATURE)


def _envelope_text(head: Mapping[str, Any]) -> str:
    names = [name for name in head if name not in ("cainfo", "input")]
    return "&".join(f"{name}={'' if head[name] is None else head[name]}" for name in sorted(names))


def sign_body(mode: str, who: Account, head: Mapping[str, Any]) -> dict[str, str]:
    """The fields `signtype` and `cainfo` of an envelope: mode `sm2`, `sm3` or `none`."""
    if mode == "none":
        return {}
    text = _envelope_text({**head, "signtype": mode.upper()})
    if mode == "sm3":
        return {"signtype": "SM3", "cainfo": sm3(f"{text}&key={who.secret}".encode()).hex()}
    key = serialization.load_pem_private_key(who.sm2_private.encode(), None)
    signature = key.sign(text.encode(), ec.ECDSA(hashes.SM3()))
    return {"signtype": "SM2", "cainfo": base64.b64encode(signature).decode()}


def verify_body(mode: str, who: Account, head: Mapping[str, Any]) -> None:
    """Raise GatewayRefused where the body's signature does not hold."""
    if mode == "none":
        return
    given = str(head.get("cainfo") or "")
    if str(head.get("signtype") or "").upper() != mode.upper() or not given:
        raise GatewayRefused(BAD_SIGNATURE)
    text = _envelope_text(head)
    if mode == "sm3":
        if not hmac.compare_digest(sm3(f"{text}&key={who.secret}".encode()).hex(), given):
            raise GatewayRefused(BAD_SIGNATURE)
        return
    try:
        signature = base64.b64decode(given, validate=True)
        key = serialization.load_pem_public_key(who.sm2_public.encode())
        key.verify(signature, text.encode(), ec.ECDSA(hashes.SM3()))
    except Exception:  # the library has an exception of its own for every way of being wrong
        raise GatewayRefused(BAD_SIGNATURE) from None
