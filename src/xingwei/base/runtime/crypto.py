"""The national algorithms: SM3 digests, SM4-GCM for stored secrets, SM2 signatures.

SM3 (GB/T 32905), SM4 (GB/T 32907) in GCM (RFC 8998), SM2 (GB/T 32918, signer's identity "1234567812345678").
Keys live in files that only their owner can read; an HSM or UKey replaces the signing key by providing
another `Signer` (XINGWEI_SIGNER, see `load_signer`). SM4 is never used in ECB.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

_SM3 = hashes.SM3()
_NONCE = 12
_TAG = 16
_POINT = 65  # an uncompressed point: 04, x, y


class CryptoError(Exception):
    """A key or a ciphertext cannot be used. The message is Chinese and says what to do."""


def sm3(data: bytes) -> bytes:
    """The SM3 digest, 32 bytes."""
    context = hashes.Hash(_SM3)
    context.update(data)
    return context.finalize()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """HMAC with SM3 (GB/T 15852.2), 32 bytes."""
    context = hmac.HMAC(key, _SM3)
    context.update(data)
    return context.finalize()


def sm4_gcm_encrypt(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """Ciphertext followed by its 16-byte tag. key: 16 bytes; nonce: 12 bytes, never twice with one key."""
    encryptor = Cipher(SM4(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(data) + encryptor.finalize() + encryptor.tag


def sm4_gcm_decrypt(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """The plain text of sm4_gcm_encrypt; raises CryptoError when key, text or associated data differ."""
    body, tag = data[:-_TAG], data[-_TAG:]
    try:
        decryptor = Cipher(SM4(key), GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(associated)
        return decryptor.update(body) + decryptor.finalize()
    except (InvalidTag, ValueError):
        raise CryptoError("密文被改动过，或不是用这把密钥、为这个用途加密的。") from None


class SecretBox:
    """Encrypts what must be readable again: passwords of business databases, tokens of robots.

    A token is "sm4.KEYID.BASE64"; the key id says which key file opens it, so that keys can be changed
    (`rotate`) while old tokens stay readable. `purpose` binds a token to where it is stored: a token copied
    to another row does not open.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._current = directory / "sm4.current"

    def encrypt(self, text: str, *, purpose: str) -> str:
        key_id, key = self._current_key()
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + sm4_gcm_encrypt(key, nonce, text.encode(), _associated(key_id, purpose))
        return f"sm4.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"

    def decrypt(self, token: str, *, purpose: str) -> str:
        """Raises CryptoError for a token of another purpose, of a lost key, or one that was changed."""
        scheme, _, rest = token.partition(".")
        key_id, _, encoded = rest.partition(".")
        if scheme != "sm4" or not encoded or not key_id.isalnum():
            raise CryptoError("这不是本系统的密文。")
        try:
            sealed = base64.b64decode(encoded, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise CryptoError("密文不完整，请重新录入这项口令。") from None
        body, nonce = sealed[_NONCE:], sealed[:_NONCE]
        return sm4_gcm_decrypt(self._key(key_id), nonce, body, _associated(key_id, purpose)).decode()

    def rotate(self) -> str:
        """Use a new key for what is encrypted from now on; returns its id."""
        key_id = secrets.token_hex(4)
        write_once(self._path(key_id), secrets.token_hex(16).encode())
        scratch = self._directory / f"sm4.{secrets.token_hex(4)}.new"
        write_once(scratch, key_id.encode())
        scratch.replace(self._current)
        return key_id

    def _current_key(self) -> tuple[str, bytes]:
        if not self._current.exists():
            key_id = secrets.token_hex(4)
            write_once(self._path(key_id), secrets.token_hex(16).encode())
            write_once(self._current, key_id.encode())  # of several processes, the first one's key is used
        key_id = self._current.read_text().strip()
        return key_id, self._key(key_id)

    def _path(self, key_id: str) -> Path:
        return self._directory / f"sm4-{key_id}.key"

    def _key(self, key_id: str) -> bytes:
        try:
            return bytes.fromhex(self._path(key_id).read_text())
        except OSError as error:
            raise CryptoError(f"密钥文件 {self._path(key_id)} 读不到（{error.strerror}）。请从备份恢复。") from None
        except ValueError:
            raise CryptoError(f"密钥文件 {self._path(key_id)} 内容不对。请从备份恢复。") from None


def _associated(key_id: str, purpose: str) -> bytes:
    return f"xingwei\0{key_id}\0{purpose}".encode()


@runtime_checkable
class Signer(Protocol):
    """What signs: a key file here, an HSM or UKey in a hospital that has one."""

    @property
    def key_id(self) -> str:
        """`sm2_key_id(public_key)`."""

    @property
    def public_key(self) -> bytes:
        """The uncompressed point: 0x04, x, y; 65 bytes."""

    def sign(self, message: bytes) -> bytes:
        """SM2 over SM3(Z ‖ message), DER."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True when this key signed the message."""


def sm2_key_id(public_key: bytes) -> str:
    """A short name of a public key: the first 8 bytes of its SM3 digest, in hex."""
    return sm3(public_key)[:8].hex()


def sm2_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True when the owner of the public key (uncompressed point) signed the message; False for nonsense."""
    ec, ecdsa = _tongsuo()
    if len(public_key) != _POINT or public_key[0] != 4:
        return False
    x, y = int.from_bytes(public_key[1:33], "big"), int.from_bytes(public_key[33:], "big")
    try:
        ec.EllipticCurvePublicNumbers(x, y, ec.SM2()).public_key().verify(signature, message, ecdsa)
    except Exception:  # the library has an exception of its own for every way of being wrong
        return False
    return True


class FileSigner:
    """An SM2 key in a file (PKCS#8 PEM, mode 0600), made on first use.

    Beside it NAME-KEYID.pub keeps each public key that was ever in use, so that what an old key signed can
    still be verified after the key was changed.
    """

    def __init__(self, directory: Path, name: str = "journal") -> None:
        from tongsuopy.crypto import serialization

        ec, self._ecdsa = _tongsuo()
        path = directory / f"{name}.sm2.pem"
        if not path.exists():
            pem = ec.generate_private_key(ec.SM2()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_once(path, pem)
        try:
            self._key = serialization.load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise CryptoError(f"签名密钥 {path} 读不到（{error.strerror}）。") from error
        except Exception as error:
            raise CryptoError(f"签名密钥 {path} 内容不对。请从备份恢复。") from error
        numbers = self._key.private_numbers().public_numbers
        self._public: bytes = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        remember_public_key(directory, name, self._public)

    @property
    def key_id(self) -> str:
        return sm2_key_id(self._public)

    @property
    def public_key(self) -> bytes:
        return self._public

    def sign(self, message: bytes) -> bytes:
        signature: bytes = self._key.sign(message, self._ecdsa)
        return signature

    def verify(self, message: bytes, signature: bytes) -> bool:
        return sm2_verify(self._public, message, signature)


def load_signer(directory: Path, name: str = "journal") -> Signer:
    """The signer in force.

    XINGWEI_SIGNER="package.module:factory" names a function (directory, name) → Signer that replaces the
    key file.
    """
    spec = os.environ.get("XINGWEI_SIGNER", "")
    if not spec:
        return FileSigner(directory, name)
    module, _, factory = spec.partition(":")
    try:
        signer = getattr(import_module(module), factory)(directory, name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise CryptoError(f"XINGWEI_SIGNER 指定的签名设备“{spec}”加载不了：{error}") from error
    if not isinstance(signer, Signer):
        raise CryptoError(f"XINGWEI_SIGNER 指定的“{spec}”不是签名设备：缺少 key_id、public_key、sign 或 verify。")
    remember_public_key(directory, name, signer.public_key)
    return signer


def remember_public_key(directory: Path, name: str, public_key: bytes) -> None:
    write_once(directory / f"{name}-{sm2_key_id(public_key)}.pub", public_key.hex().encode())


def known_public_keys(directory: Path, name: str = "journal") -> dict[str, bytes]:
    """Key id → public key, of every key that was ever in use here. A file whose name lies is left out."""
    keys = {}
    for path in directory.glob(f"{name}-*.pub"):
        try:
            point = bytes.fromhex(path.read_text().strip())
        except (ValueError, OSError):
            continue
        if path.stem == f"{name}-{sm2_key_id(point)}":
            keys[sm2_key_id(point)] = point
    return keys


def write_once(path: Path, content: bytes) -> None:
    """Make a file of mode 0600 unless it exists; never seen half written, and the first of several wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        scratch.unlink()


def _tongsuo() -> tuple[Any, Any]:
    """Loaded on first use: most processes never sign."""
    from tongsuopy.crypto import hashes as tongsuo_hashes
    from tongsuopy.crypto.asymciphers import ec

    return ec, ec.ECDSA(tongsuo_hashes.SM3())
