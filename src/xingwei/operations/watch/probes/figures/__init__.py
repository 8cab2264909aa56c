"""Numbers that another monitor, a switch's controller or a system publishes as JSON: by field, or rows of name and value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.judging import Limit, number
from ..base import MS, UP, Kind, Looked, Task, register, schema
from ..host.reading import LIMITS as HOST_LIMITS
from ..http import SETTINGS as HTTP
from ..http import ask
from ..http.assertions import MISSING, at

MOST = 40


async def look(task: Task) -> Looked:
    s = task.settings
    looked, document = await ask(task, s)
    if not looked.ok:
        return looked
    values = dict(read(s, document))
    if not values:
        return Looked(False, "应答里没有要读的数字", looked.values)
    shown = "，".join(f"{name} {number(value)}" for name, value in list(values.items())[:3])
    return Looked(True, shown, {**values, "ms": looked.values["ms"]})


def read(settings: Mapping[str, Any], document: Any) -> Mapping[str, float]:
    """Signal → value. `fields`: signal → path. `rows`: path of a list whose items have a name and a value."""
    out: dict[str, float] = {}
    for signal, path in (settings.get("fields") or {}).items():
        found = at(document, path)
        if found is not MISSING and isinstance(found, (int, float)):
            out[signal] = float(found)
    if rows := settings.get("rows"):
        listed = at(document, rows["path"]) if rows.get("path") else document
        where: Mapping[str, Any] = rows.get("where") or {}
        for item in listed if isinstance(listed, list) else []:
            value = at(item, rows.get("value", "value"))
            if any(at(item, k) != v for k, v in where.items()) or not isinstance(value, (int, float)):
                continue
            out[str(at(item, rows.get("name", "name")))[:60]] = float(value)
            if len(out) >= MOST:
                break
    if "host.offset" in out:
        out.setdefault("host.clock", abs(out["host.offset"]))
    return out


_PATH = {"type": "string", "maxLength": 200}
SETTINGS: dict[str, Any] = {
    **HTTP,
    "fields": {"type": "object", "additionalProperties": _PATH, "title": "信号: 字段路径"},
    "rows": {
        "type": "object", "additionalProperties": False, "title": "一行一个数字的列表",
        "properties": {"path": _PATH, "name": _PATH, "value": _PATH,
                       "where": {"type": "object", "additionalProperties": {"type": ["string", "number"]}}},
    },
}  # fmt: skip
register(
    Kind(
        "figures", "读取数字", "从别的监控、交换机控制器或业务系统的接口（JSON）读数字",
        {**schema(SETTINGS, ["url"]), "anyOf": [{"required": ["fields"]}, {"required": ["rows"]}]}, (UP, MS), look,
        (
            *HOST_LIMITS, Limit("net.loss", warn=2, down=50, for_s=30), Limit("net.ping", down=0.5, below=True),
            Limit("db.tbs_pct", warn=85, down=98), Limit("db.arch_pct", warn=70, down=95), Limit("app.pool", warn=85, down=99),
            Limit("app.err", warn=5, down=40, for_s=30), Limit("app.heap", warn=85, down=97), Limit("repl.lag", warn=60, down=900),
        ),
        layer="host",
    )
)  # fmt: skip
