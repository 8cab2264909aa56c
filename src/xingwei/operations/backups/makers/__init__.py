"""How each form of backup is taken, verified and restored. Nothing here knows plans or the product's database."""

from __future__ import annotations

from . import archive, mysql, postgresql
from .base import Address, BackupProblem, Maker, Restored, Taken

_MAKERS: dict[str, Maker] = {
    "pg_dump": postgresql.Dump(),
    "pg_base": postgresql.Base(),
    "mysql": mysql.Dump(),
    "archive": archive.Archive(),
}


def maker_of(form: str) -> Maker:
    """Raises KeyError for an unknown form."""
    return _MAKERS[form]


__all__ = ["Address", "BackupProblem", "Maker", "Restored", "Taken", "maker_of"]
