"""The estate as YAML files: reading them with everything checked that needs no database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xingwei.base.runtime.config import REPO
from xingwei.base.ui.datafiles import FileProblems, Problem, Source, decode, read, validate

from .engine import Edge, Graph, GraphError, Node, check_ends

SHIPPED = REPO / "estates"
KINDS = ("systems", "functions", "components", "interfaces", "parameters")
LINKS = {"components": ("runs_on", "stores_in", "calls", "connects"), "interfaces": ("calls", "connects")}
_MOST_FILES = 200


@cache
def schema() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((SHIPPED / "estate.schema.json").read_text(encoding="utf-8"))
    return data


def read_directory(path: Path) -> dict[str, Any]:
    """The document of a directory of *.yaml (or of one file). Raises FileProblems with everything that is wrong."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise FileProblems([Problem("这个目录里没有 .yaml 文件", (), str(path))])
    texts = {}
    for file in files[:_MOST_FILES]:
        try:
            texts[file.name] = decode(file.read_bytes())
        except OSError as error:
            raise FileProblems([Problem(f"读不了：{error.strerror}", (), file.name)]) from None
    source = read(texts)
    problems = validate(source, schema())
    if not problems:
        problems = [source.locate(p) for p in _sense(source)]
    if problems:
        raise FileProblems(problems)
    return {kind: source.document.get(kind) or [] for kind in KINDS}


def edges_of(document: Mapping[str, Any]) -> list[tuple[Edge, tuple[str | int, ...]]]:
    """All dependencies that the document states, with the place of each."""
    keys = _keys(document)
    out: list[tuple[Edge, tuple[str | int, ...]]] = []
    for i, item in enumerate(document.get("functions") or []):
        source = f"function:{item['code']}"
        out += [
            (Edge(source, keys.get(code, code), "serves"), ("functions", i, "needs", n))
            for n, code in enumerate(item.get("needs") or [])
        ]
    for kind, links in LINKS.items():
        for i, item in enumerate(document.get(kind) or []):
            source = f"{kind[:-1]}:{item['code']}"
            for link in links:
                out += [
                    (Edge(source, keys.get(code, code), link), (kind, i, link, n))
                    for n, code in enumerate(item.get(link) or [])
                ]
    return out


def _keys(document: Mapping[str, Any]) -> dict[str, str]:
    """Code → graph key of components and interfaces."""
    return {
        item["code"]: f"{kind[:-1]}:{item['code']}"
        for kind in ("components", "interfaces")
        for item in document.get(kind) or []
    }


def _sense(source: Source) -> Iterator[Problem]:
    """What the schema cannot see: codes that are missing or stand twice, dependencies that make no sense."""
    document = source.document
    yield from _repeated(document)
    systems = {s["code"]: {b["code"] for b in s.get("subsystems") or []} for s in document.get("systems") or []}
    for kind in ("functions", "components", "interfaces", "parameters"):
        for i, item in enumerate(document.get(kind) or []):
            system, sub = item.get("system"), item.get("subsystem")
            if system is not None and systems and system not in systems:
                yield Problem(f"没有代码为“{system}”的系统", (kind, i, "system"))
            elif sub is not None and systems and sub not in systems.get(system, ()):
                yield Problem(f"{system} 没有代码为“{sub}”的子系统", (kind, i, "subsystem"))
    yield from _dependencies(document)


def _repeated(document: Mapping[str, Any]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for kind in KINDS:
        for i, item in enumerate(document.get(kind) or []):
            group = "part" if kind in {"components", "interfaces"} else kind
            code = f"{item['system']}.{item['code']}" if kind == "parameters" else item["code"]
            if (group, code) in seen:
                yield Problem(f"代码“{item['code']}”重复，已用于“{seen[group, code]}”", (kind, i, "code"))
            seen[group, code] = item["name"]
    subsystems: dict[str, str] = {}
    for i, system in enumerate(document.get("systems") or []):
        for n, sub in enumerate(system.get("subsystems") or []):
            if sub["code"] in subsystems:
                yield Problem(f"子系统代码“{sub['code']}”重复", ("systems", i, "subsystems", n, "code"))
            subsystems[sub["code"]] = sub["name"]


def _dependencies(document: Mapping[str, Any]) -> Iterator[Problem]:
    nodes = {n.key: n for n in _nodes(document)}
    good = []
    for edge, place in edges_of(document):
        if edge.target not in nodes:
            yield Problem(f"没有代码为“{edge.target.partition(':')[2] or edge.target}”的部件或接口", place)
            continue
        try:
            check_ends(edge, nodes[edge.source], nodes[edge.target])
        except GraphError as error:
            yield Problem(str(error), place)
        else:
            good.append(edge)
    for circle in Graph(nodes.values(), good).circles():
        yield Problem(f"依赖成了循环：{' → '.join(nodes[k].label for k in circle)}")


def _nodes(document: Mapping[str, Any]) -> Iterator[Node]:
    for item in document.get("components") or []:
        yield Node(f"component:{item['code']}", item["name"], item["kind"])
    for kind in ("interfaces", "functions"):
        for item in document.get(kind) or []:
            yield Node(f"{kind[:-1]}:{item['code']}", item["name"], kind[:-1])
