"""Archive files, encrypted with SM4-GCM: a key of its own for each file, sealed by the keys that the backup carries.

A file is the magic line, the sealed key, then blocks of 1 MiB: length, ciphertext, tag. The number of a block and
whether it is the last are authenticated, so that none can be changed, moved, or cut off unnoticed; the key is bound to
the file's name.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from xingwei.base.runtime import config
from xingwei.base.runtime.crypto import CryptoError, SecretBox, sm4_gcm_decrypt, sm4_gcm_encrypt

SUFFIX = ".sm4"
PLAIN = ".plain"
_MAGIC = b"xingwei archive 1\n"
_BLOCK = 1024 * 1024
_LENGTH = struct.Struct(">I")
_LONGEST_TOKEN = 200


def seal(source: Path, target: Path) -> None:
    """Encrypt a file under its new name; the source stays."""
    key = secrets.token_bytes(16)
    token = _box().encrypt(key.hex(), purpose=_purpose(target)).encode()
    with source.open("rb") as plain, target.open("wb") as out:
        target.chmod(0o600)
        out.write(_MAGIC + token + b"\n")
        number, block = 0, plain.read(_BLOCK)
        while True:
            following = plain.read(_BLOCK)
            sealed = sm4_gcm_encrypt(key, _nonce(number), block, _associated(number, last=not following))
            out.write(_LENGTH.pack(len(sealed)) + sealed)
            if not following:
                return
            number, block = number + 1, following


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The file in plain, for as long as the block lasts. Raises CryptoError where it was changed, cut off or renamed,
    or its key is lost. A file that was written before there was encryption is given as it is."""
    with path.open("rb") as sealed:
        if sealed.read(len(_MAGIC)) != _MAGIC:
            yield path
            return
        plain = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PLAIN}")
        try:
            plain.touch(mode=0o600)
            with plain.open("wb") as out:
                _open(path, sealed, out)
            yield plain
        finally:
            plain.unlink(missing_ok=True)


def sweep(directory: Path, *, older_s: float = 3_600) -> int:
    """Remove what a process that died in the middle left behind in plain; how many files."""
    ends, until = (PLAIN, ".duckdb", ".new"), time.time() - older_s
    left = [p for p in directory.rglob("*") if p.suffix in ends and p.is_file() and p.stat().st_mtime < until]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _open(path: Path, sealed: BinaryIO, out: BinaryIO) -> None:
    token = sealed.readline(_LONGEST_TOKEN)
    if not token.endswith(b"\n"):
        raise CryptoError("归档文件的开头不完整。")
    key = bytes.fromhex(_box().decrypt(token.decode("ascii", "replace").strip(), purpose=_purpose(path)))
    number, head = 0, sealed.read(_LENGTH.size)
    while True:
        if len(head) != _LENGTH.size or (length := _LENGTH.unpack(head)[0]) > _BLOCK + 16:
            raise CryptoError("归档文件不完整。")
        block, head = sealed.read(length), sealed.read(_LENGTH.size)
        out.write(sm4_gcm_decrypt(key, _nonce(number), block, _associated(number, last=not head)))
        if not head:
            return
        number += 1


def _box() -> SecretBox:
    return SecretBox(config.from_environment().secrets)


def _purpose(path: Path) -> str:
    return f"gateway.archive:{path.name.partition('.')[0]}"


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")  # the key is this file's alone


def _associated(number: int, *, last: bool) -> bytes:
    return _MAGIC + number.to_bytes(8, "big") + bytes([last])
