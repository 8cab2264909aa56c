"""Who may connect."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from .base import ChannelProblem

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(allowed: Iterable[str]) -> list[Network]:
    """Raises ChannelProblem."""
    try:
        return [ipaddress.ip_network(text, strict=False) for text in allowed]
    except ValueError as error:
        raise ChannelProblem(f"允许的来源写得不对（{error}）：应是 IP 或网段，如 10.1.2.0/24。") from None


def may(peer: str, allowed: list[Network]) -> bool:
    if not allowed:
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in allowed)
