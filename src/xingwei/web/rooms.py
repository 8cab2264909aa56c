"""The rooms of the house, lowest first, and where each is mounted. A room that has urls.py gets its pages,
one that has api.py gets its operations, one that has cli.py its commands."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True, slots=True)
class Room:
    """prefix: where its pages and operations are. group: the name of its commands, where it is not the room's.
    plain: its commands that need no Django, neither they nor the module that holds them. more: further groups of
    commands, with the submodule that holds each."""

    module: str
    prefix: str = ""
    group: str = ""
    plain: frozenset[str] = frozenset()
    more: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.module.rpartition(".")[2]

    @property
    def commands(self) -> str:
        """xingwei THIS …"""
        return self.group or self.name

    def has(self, name: str) -> bool:
        return find_spec(f"{self.module}.{name}") is not None

    def part(self, name: str) -> Any | None:
        """The room's submodule, or None where it has none."""
        return import_module(f"{self.module}.{name}") if self.has(name) else None


ROOMS = (
    Room("xingwei.base.runtime"),
    Room("xingwei.base.journal"),
    Room("xingwei.base.policy"),
    Room("xingwei.base.ui"),
    Room("xingwei.base.site", "settings"),
    Room("xingwei.base.calendar", "calendar"),
    Room("xingwei.base.notify", "notify"),
    Room("xingwei.base.accounts", "people", group="people"),
    Room("xingwei.base.estate", "estate"),
    Room("xingwei.base.connections", "connections"),
    Room("xingwei.service.contract", "contract"),
    Room("xingwei.service.rota", "rota"),
    Room("xingwei.service.knowledge", "knowledge"),
    Room("xingwei.service.desk", "desk"),
    Room("xingwei.operations.gateway", "gateway", plain=frozenset({"run", "status"})),
    Room("xingwei.operations.watch", "watch", plain=frozenset({"rank", "run"}), more=(("triage", "triage_cli"),)),
    Room("xingwei.operations.backups", "backups"),
    Room("xingwei.operations.performance", "performance"),
    Room("xingwei.operations.inspection", "inspection"),
    Room("xingwei.data.lake", "lake"),
    Room("xingwei.data.reconcile", "reconcile", plain=frozenset({"files"})),
    Room("xingwei.web"),
)
