"""The backup's file: whatever byte is lost or changed, it is refused."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.runtime.backup import About, BackupError, keys, read_about, thin_out, verify
from xingwei.base.runtime.backup.archive import ABOUT, Writer, about_bytes

ABOUT_IT = About(
    1, "0.1.0", "2026-03-18T02:24:00+00:00", "18", {"desk_case": 3}, ["desk.0001_initial"], "plain", "empty"
)


def write(path: Path) -> Path:
    with Writer(path) as writer:
        writer.add_bytes(ABOUT, about_bytes(ABOUT_IT))
        writer.add_bytes("database.dump", bytes(range(256)) * 20)
        writer.add_bytes("files/照片/片.png", b"\x89PNG" + b"x" * 700)
        writer.finish()
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("archive") / "b.tar").read_bytes()


def test_a_whole_file_is_read_back(tmp_path: Path) -> None:
    path = write(tmp_path / "b.tar")
    found = verify(path)
    assert found.about == read_about(path) == ABOUT_IT
    assert found.members["files/照片/片.png"] == 704
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_byte_never_gives_other_content(whole: bytes, data: st.DataObject, tmp_path_factory: object) -> None:
    """Padding and unused header fields may change unseen; nothing that would be restored may."""
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[at] ^= data.draw(st.integers(1, 255))
    path = Path(tmp_path_factory.getbasetemp()) / "broken.tar"  # type: ignore[attr-defined]
    path.write_bytes(bytes(broken))
    try:
        verify(path)
    except BackupError:
        return
    assert contents(bytes(broken)) == contents(whole)


def contents(raw: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {i.name: stream.read() for i in tar if i.name != "manifest.json" and (stream := tar.extractfile(i))}


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_file_cut_short_is_refused(whole: bytes, data: st.DataObject, tmp_path_factory: object) -> None:
    end = whole.rindex(b'{"format"')  # the manifest, the last thing that matters
    path = Path(tmp_path_factory.getbasetemp()) / "cut.tar"  # type: ignore[attr-defined]
    path.write_bytes(whole[: data.draw(st.integers(0, end))])
    with pytest.raises(BackupError):
        verify(path)


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\0" * 10240, b"PK\x03\x04" + b"x" * 2000])
def test_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    path.write_bytes(content)
    for read in (verify, read_about):
        with pytest.raises(BackupError):
            read(path)


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="没有这个文件"):
        verify(tmp_path / "nothing.tar")
    with pytest.raises(BackupError, match="是目录"):
        verify(tmp_path)


def test_a_file_that_shrinks_while_it_is_read_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="备份没有成功"), Writer(tmp_path / "b.tar") as writer:
        writer.add("files/log", io.BytesIO(b"short"), 100)
    assert list(tmp_path.iterdir()) == []


def test_keys_open_with_their_passphrase_only(tmp_path: Path) -> None:
    (tmp_path / "django.key").write_text("secret")
    sealed = keys.sealed(tmp_path, "correct horse battery")
    assert b"secret" not in sealed
    assert keys.opened(sealed, "correct horse battery") == {"django.key": b"secret"}
    with pytest.raises(BackupError, match="口令不对"):
        keys.opened(sealed, "correct horse batterz")
    with pytest.raises(BackupError, match="至少 12 位"):
        keys.check("short")


def test_only_the_oldest_of_the_kind_go(tmp_path: Path) -> None:
    import os

    for number in range(5):
        path = write(tmp_path / f"xingwei-auto-2026030{number + 1}-020500.tar")
        os.utime(path, (number, number))
    write(tmp_path / "xingwei-hand-20260301-120000.tar")
    (tmp_path / "other.tar").write_text("not ours")
    gone = thin_out(tmp_path, 2)
    assert sorted(p.name[13:21] for p in gone) == ["20260301", "20260302", "20260303"]
    assert len(list(tmp_path.iterdir())) == 4
