"""What people can be told about, declared by the rooms that tell it: kinds (to a person), topics (to groups).

A room that tells without declaring is heard all the same; its kind is then only covered by "所有通知".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """key: "room.thing"; group and label as on the preferences page; why: one line below it."""

    key: str
    label: str
    group: str = "其他"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a group robot subscribes to."""

    key: str
    label: str


_kinds: dict[str, Kind] = {}
_topics: dict[str, Topic] = {}


def register(*declared: Kind | Topic) -> None:
    """Declare kinds and topics; call in the room's AppConfig.ready()."""
    for one in declared:
        if isinstance(one, Kind):
            _kinds[one.key] = one
        else:
            _topics[one.key] = one


def kinds() -> dict[str, Kind]:
    return dict(_kinds)


def topics() -> dict[str, Topic]:
    return dict(_topics)


def label(kind: str) -> str:
    """The words for a kind or topic; 通知 for one that nobody declared."""
    known = _kinds.get(kind) or _topics.get(kind)
    return known.label if known else "通知"
