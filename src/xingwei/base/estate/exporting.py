"""The estate to files, as `import_estate` reads them: to keep beside the product, or to carry to another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from . import queries
from .models import BusinessFunction, Component, Dependency, Interface, Ownership, System

_HEADER = "# 由“xingwei estate export”导出；改动后可用“xingwei estate import”导入\n"


def export_estate(directory: Path) -> dict[str, int]:
    """Write systems.yaml, functions.yaml, components.yaml, interfaces.yaml and parameters-SYSTEM.yaml.

    Returns file name → number of entries. Files of other names in the directory are left alone.
    """
    directory.mkdir(parents=True, exist_ok=True)
    owners = _owners()
    links = _links()
    written = {
        "systems.yaml": {"systems": list(_systems(owners))},
        "functions.yaml": {"functions": list(_functions(links))},
        "components.yaml": {"components": list(_components(owners, links))},
        "interfaces.yaml": {"interfaces": list(_interfaces(owners, links))},
    }
    by_system: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in _parameters():
        by_system[entry["system"]].append(entry)
    for code, entries in by_system.items():
        written[f"parameters-{code.lower()}.yaml"] = {"parameters": entries}
    counts = {}
    for name, document in written.items():
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
        (directory / name).write_text(_HEADER + text, encoding="utf-8")
        counts[name] = sum(len(v) for v in document.values())
    return counts


def _filled(**values: Any) -> dict[str, Any]:
    """What says something: defaults and empty fields are left out."""
    return {k: v for k, v in values.items() if v not in ("", None, [], False)}


def _in_use(row: Any) -> dict[str, bool]:
    return {} if row.active else {"active": False}


def _owners() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in Ownership.objects.select_related("person").order_by("subject", "part", "person__username"):
        entry = {"person": row.person.username}
        found[row.subject].append(entry if row.part == "owner" else {**entry, "part": row.part})
    return found


def _links() -> dict[tuple[str, str], list[str]]:
    """(key, kind) → codes of what it needs."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in Dependency.objects.order_by("source", "target"):
        found[row.source, row.kind].append(row.target.partition(":")[2])
    return found


def _systems(owners: dict[str, list[dict[str, str]]]) -> Iterator[dict[str, Any]]:
    for s in (
        System.objects.select_related("vendor").prefetch_related("subsystems", "windows").order_by("order", "code")
    ):
        subsystems = [
            _filled(code=b.code, name=b.name, aliases=list(b.aliases), description=b.description, clause=b.clause)
            | _in_use(b)
            for b in s.subsystems.all()
        ]
        windows = [
            _filled(
                kind=w.kind, weekdays=w.weekdays, **{"from": f"{w.start:%H:%M}", "to": f"{w.end:%H:%M}"}, note=w.note
            )
            for w in s.windows.all()
        ]
        yield _filled(
            code=s.code,
            name=s.name,
            short_name=s.short_name,
            tier=s.tier,
            description=s.description,
            vendor=s.vendor.code if s.vendor else "",
            clause=s.clause,
            aliases=list(s.aliases),
            owners=owners.get(f"system:{s.code}", []),
            windows=windows,
            subsystems=subsystems,
        )


def _functions(links: dict[tuple[str, str], list[str]]) -> Iterator[dict[str, Any]]:
    rows = BusinessFunction.objects.select_related("system", "subsystem").prefetch_related("departments")
    for f in rows:
        yield _filled(
            code=f.code,
            system=f.system.code,
            subsystem=f.subsystem.code if f.subsystem else "",
            name=f.name,
            window=f.window,
            aliases=list(f.aliases),
            description=f.description,
            departments=[d.name for d in f.departments.all()],
            needs=links.get((f.key, "serves"), []),
        ) | _in_use(f)


def _components(
    owners: dict[str, list[dict[str, str]]], links: dict[tuple[str, str], list[str]]
) -> Iterator[dict[str, Any]]:
    for c in Component.objects.select_related("system", "responsible"):
        yield _filled(
            code=c.code,
            system=c.system.code if c.system else "",
            name=c.name,
            kind=c.kind,
            aliases=list(c.aliases),
            location=c.location,
            address=c.address,
            version=c.version,
            responsible=c.responsible.code if c.responsible else "",
            note=c.note,
            owners=owners.get(c.key, []),
            **{kind: links.get((c.key, kind), []) for kind in ("runs_on", "stores_in", "calls", "connects")},
        ) | _in_use(c)


def _interfaces(
    owners: dict[str, list[dict[str, str]]], links: dict[tuple[str, str], list[str]]
) -> Iterator[dict[str, Any]]:
    for i in Interface.objects.select_related("system", "peer_organisation"):
        yield _filled(
            code=i.code,
            system=i.system.code,
            name=i.name,
            aliases=list(i.aliases),
            protocol=i.protocol,
            direction=i.direction,
            peer=i.peer,
            peer_organisation=i.peer_organisation.code if i.peer_organisation else "",
            policy=i.policy,
            clause=i.clause,
            fallback=i.fallback,
            note=i.note,
            owners=owners.get(i.key, []),
            **{kind: links.get((i.key, kind), []) for kind in ("calls", "connects")},
        ) | _in_use(i)


def _parameters() -> Iterator[dict[str, Any]]:
    rows = list(queries.parameters().prefetch_related("history"))
    for p in rows:
        entry = _filled(
            system=p.system.code,
            subsystem=p.subsystem.code if p.subsystem else "",
            code=p.code,
            name=p.name,
            meaning=p.meaning,
            allowed=p.allowed,
            default=p.default,
        )
        if p.history.all():
            entry["value"] = p.current
        yield entry | _filled(effect=p.effect, advice=p.advice, since=p.since) | _in_use(p)
