"""What the product knows of each kind of database: how to connect, lock the session to reading, prove it, and read.

A driver is opened for one reading and closed after it. `connect` raises Failed with a Chinese sentence.
"""

from __future__ import annotations

from importlib import import_module

from .base import Address, Driver, Evidence, Failed, Tried

_MODULES = {
    "postgresql": "postgresql",
    "mysql": "mysql",
    "oracle": "oracle",
    "mssql": "mssql",
    "sqlite": "sqlite",
    "files": "drops",
}


def driver_of(kind: str) -> type[Driver]:
    """The driver's class; its library is loaded now and not before."""
    module = import_module(f"{__name__}.{_MODULES[kind]}")
    found: type[Driver] = module.DRIVER
    return found


__all__ = ["Address", "Driver", "Evidence", "Failed", "Tried", "driver_of"]
