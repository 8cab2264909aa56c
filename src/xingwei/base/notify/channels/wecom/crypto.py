"""Signing and encryption of WeCom's callbacks (developer.work.weixin.qq.com/document/path/90968).

signature = SHA-1 of token, timestamp, nonce and ciphertext, sorted and joined. Ciphertext = AES-256-CBC of
16 random bytes, length (4 bytes, big-endian), message, receiver; padded to 32 bytes; IV the key's first 16.
SHA-1 is what the protocol prescribes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

_BLOCK = 32
_HEAD = 20


class NotFromWecom(Exception):
    """The signature is wrong, or what it signs cannot be opened, or is for another company."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """token, key: as set in “接收消息”; receiver: the company's id."""

    token: str
    key: str
    receiver: str

    def signature(self, timestamp: str, nonce: str, ciphertext: str) -> str:
        joined = "".join(sorted([self.token, timestamp, nonce, ciphertext]))
        return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()

    def open(self, signature: str, timestamp: str, nonce: str, ciphertext: str) -> bytes:
        """The message in a signed ciphertext; raises NotFromWecom."""
        expected = self.signature(timestamp, nonce, ciphertext)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise NotFromWecom("签名不对")
        try:
            raw = base64.b64decode(ciphertext, validate=True)
            decryptor = Cipher(AES(self._key()), CBC(self._key()[:16])).decryptor()
            padded = decryptor.update(raw) + decryptor.finalize()
            length = struct.unpack(">I", padded[16:_HEAD])[0]
            plain = padded[: -padded[-1]]
            message, receiver = plain[_HEAD : _HEAD + length], plain[_HEAD + length :]
        except (ValueError, binascii.Error, struct.error, IndexError) as error:
            raise NotFromWecom("密文打不开") from error
        if receiver.decode("utf-8", "replace") != self.receiver:
            raise NotFromWecom("不是发给本企业的")
        return message

    def seal(self, message: bytes) -> str:
        """The ciphertext of a message, as WeCom makes it."""
        plain = os.urandom(16) + struct.pack(">I", len(message)) + message + self.receiver.encode()
        missing = _BLOCK - len(plain) % _BLOCK
        encryptor = Cipher(AES(self._key()), CBC(self._key()[:16])).encryptor()
        sealed = encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def _key(self) -> bytes:
        return base64.b64decode(self.key + "=")
