"""The key files inside a backup: encrypted with a passphrase (scrypt, SM4-GCM)."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ..crypto import CryptoError, sm4_gcm_decrypt, sm4_gcm_encrypt
from .archive import BackupError

NAME = "keys.sm4"
PLAIN = "keys/"
PASSPHRASE_MIN = 12
_MAGIC = b"xingwei keys 1\n"
_SALT, _NONCE = 16, 12


def passphrase() -> str:
    """The passphrase that the environment gives for backups made without anybody watching; "" for none."""
    return os.environ.get("XINGWEI_BACKUP_PASSPHRASE", "")


def check(passphrase: str) -> None:
    if len(passphrase) < PASSPHRASE_MIN:
        raise BackupError(f"口令太短：至少 {PASSPHRASE_MIN} 位。")


def sealed(directory: Path, passphrase: str) -> bytes:
    """All files of the directory, encrypted."""
    box = io.BytesIO()
    with tarfile.open(fileobj=box, mode="w") as tar:
        for path in files(directory):
            tar.add(path, path.relative_to(directory).as_posix())
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    return _MAGIC + salt + nonce + sm4_gcm_encrypt(_key(passphrase, salt), nonce, box.getvalue(), _MAGIC)


def opened(content: bytes, passphrase: str) -> dict[str, bytes]:
    """Name → content of the key files; BackupError for a wrong passphrase."""
    if not content.startswith(_MAGIC):
        raise BackupError("备份里的密钥部分读不懂。")
    rest = content[len(_MAGIC) :]
    salt, nonce, body = rest[:_SALT], rest[_SALT : _SALT + _NONCE], rest[_SALT + _NONCE :]
    try:
        box = sm4_gcm_decrypt(_key(passphrase, salt), nonce, body, _MAGIC)
    except CryptoError:
        raise BackupError("口令不对：备份里的密钥打不开，什么都没有改动。") from None
    with tarfile.open(fileobj=io.BytesIO(box)) as tar:
        return {info.name: stream.read() for info in tar if (stream := tar.extractfile(info))}


def files(directory: Path) -> list[Path]:
    return sorted(p for p in directory.rglob("*") if p.is_file()) if directory.exists() else []


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=16, n=2**15, r=8, p=1).derive(passphrase.encode())
