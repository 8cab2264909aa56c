"""Which channels a process should hold: a fair share, kept together where a call joins them.

Pure and the same for all processes, so that they agree without talking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def units(channels: Iterable[int], joined: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """The groups of channels that one process must hold together: joined are the pairs (way in, way out) of calls.

    Sorted by their smallest channel.
    """
    parent = {channel: channel for channel in channels}

    def root(channel: int) -> int:
        while parent[channel] != channel:
            parent[channel] = parent[parent[channel]]
            channel = parent[channel]
        return channel

    for a, b in joined:
        if a in parent and b in parent:
            first, second = sorted((root(a), root(b)))
            parent[second] = first
    found: dict[int, list[int]] = {}
    for channel in sorted(parent):
        found.setdefault(root(channel), []).append(channel)
    return [tuple(found[first]) for first in sorted(found)]


def give(held: Sequence[tuple[int, ...]], all_units: int, living: int) -> list[tuple[int, ...]]:
    """What a process gives away so that others can have their share: the last ones of what is beyond its own,
    and only where it holds more than one unit beyond the smallest share (or channels would wander for nothing)."""
    ceiling = -(-all_units // max(living, 1))
    return list(held[ceiling:]) if len(held) > ceiling else []


def take(free: Sequence[tuple[int, ...]], held: int, all_units: int, living: int) -> list[tuple[int, ...]]:
    """What a process may take of what is free: up to its share, all of it where it is alone."""
    ceiling = -(-all_units // max(living, 1))
    return list(free[: max(0, ceiling - held)])


def epochs_of(held: Mapping[int, int], channels: Iterable[int]) -> tuple[list[int], list[int]]:
    """Channels and their epochs, each once, sorted: the order in which their locks are asked for."""
    wanted = sorted(set(channels))
    return wanted, [held[channel] for channel in wanted]
