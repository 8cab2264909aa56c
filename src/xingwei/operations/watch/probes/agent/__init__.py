"""A host whose small agent pushes its numbers (xingwei/operations/watch/agent.py); nothing is looked at from here."""

from __future__ import annotations

from ..base import UP, Kind, register, schema
from ..host.reading import LIMITS, SIGNALS

register(
    Kind("agent", "主机（代理推送）", "主机上的小程序每隔一会儿把数字送来，用口令证明自己",
         schema({"mounts": {"type": "array", "items": {"type": "string"}, "title": "看哪些挂载点"}}, []),
         (UP, *SIGNALS), None, LIMITS, layer="host")
)  # fmt: skip
