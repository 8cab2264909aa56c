"""The policy in force: grants files of every installed room, under the roles of roles.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.apps import apps

from .engine import Actor, Policy, load

ROLES_FILE = Path(__file__).with_name("roles.yaml")


@cache
def roles() -> dict[str, dict[str, Any]]:
    """Role key → {label, side, note, and where they hold: admin (system|security|audit), contact, reach, step,
    remote}."""
    data: dict[str, dict[str, Any]] = yaml.safe_load(ROLES_FILE.read_text(encoding="utf-8"))
    return data


@cache
def policy() -> Policy:
    files = [Path(a.path) / "grants.yaml" for a in apps.get_app_configs() if a.name.startswith("xingwei.")]
    return load([f for f in files if f.exists()], roles())


@cache
def data_roles() -> frozenset[str]:
    """The roles that some grant gives a data right: they never meet an administration in one account."""
    return policy().data_roles()


class Denied(Exception):
    """The actor may not do this; the message is the Chinese reason."""


def may(actor: Actor, permission: str) -> bool:
    return policy().may(actor, permission)
