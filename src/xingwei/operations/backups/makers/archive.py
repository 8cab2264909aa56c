"""Files packed by the hospital: zip, tar, tar.gz. Restored means unpacked; its "rows" are the files of each folder."""

from __future__ import annotations

import gzip
import tarfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from .base import BackupProblem, Maker, Restored, Say, digest_of, same

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, OSError)


class Archive(Maker):
    def verify(self, path: Path, digest: str, say: Say) -> str:
        found = digest_of(path, say, 60)
        same(found, digest, path)
        say(65, "逐个文件读出")
        try:
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    if broken := packed.testzip():
                        raise BackupProblem(f"文件包 {path.name} 里的“{broken}”损坏。")
            else:
                with tarfile.open(path) as packed_tar:
                    for member in packed_tar:
                        if (file := packed_tar.extractfile(member)) is not None:
                            while file.read(1 << 20):
                                pass
        except _BROKEN as error:
            raise BackupProblem(f"文件包 {path.name} 不完整或不是 zip、tar：{type(error).__name__}。") from None
        return found

    def restore(self, path: Path, scratch: Path, newest: Mapping[str, str], say: Say) -> Restored:
        began = time.monotonic()
        target = scratch / "files"
        target.mkdir(parents=True)
        say(10, "解开")
        try:
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    if any(not _inside(name) for name in packed.namelist()):
                        raise BackupProblem(f"文件包 {path.name} 里有指向别处的路径，没有解开。")
                    packed.extractall(target)  # noqa: S202 -- the names were looked at
            else:
                with tarfile.open(path) as packed_tar:
                    packed_tar.extractall(target, filter="data")
        except _BROKEN as error:
            raise BackupProblem(f"文件包 {path.name} 解不开：{type(error).__name__}。") from None
        say(80, "清点文件")
        counted: Counter[str] = Counter()
        for file in target.rglob("*"):
            if file.is_file():
                counted[file.relative_to(target).parts[0] if len(file.relative_to(target).parts) > 1 else "."] += 1
        return Restored(dict(counted), {}, time.monotonic() - began)


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
