"""The whole of our own state in one file, and back again.

A backup is a tar file; what is in it is compressed already:
    about.json       which product, when, how many rows in each table: first, so that lists read it fast
    database.dump    pg_dump's custom format, taken in the snapshot in which the rows were counted
    files/…          uploaded files
    journal-heads/…  the journal's signed heads
    keys.sm4         the key files, encrypted with the passphrase (or keys/… in the clear, where there is none)
    manifest.json    size and SHA-256 of everything above: last, so that a file cut short is known by its absence
"""

from .archive import About, Backup, BackupError, ServerTooNew, read_about, verify
from .keeping import Kept, automatic, kept, thin_out
from .keys import passphrase
from .making import make
from .restoring import Restored, restore

__all__ = [
    "About",
    "Backup",
    "BackupError",
    "Kept",
    "Restored",
    "ServerTooNew",
    "automatic",
    "kept",
    "make",
    "passphrase",
    "read_about",
    "restore",
    "thin_out",
    "verify",
]
