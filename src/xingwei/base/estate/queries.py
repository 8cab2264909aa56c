"""Reading the estate: systems, owners, the graph and the vocabulary (both kept for a few seconds in each process)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from xingwei.base.accounts.models import Department
from xingwei.base.policy.querysets import RestrictedQuerySet

from .engine import Edge, Graph, Node, Term, Vocabulary
from .models import (
    BusinessFunction,
    Component,
    Dependency,
    Interface,
    Ownership,
    Parameter,
    ParameterValue,
    Subsystem,
    System,
)

TTL_S = 10.0
_cache: dict[str, tuple[float, Any]] = {}


def systems() -> list[System]:
    """All systems in their order."""
    return list(System.objects.select_related("vendor").order_by("order", "code"))


def systems_with_counts(among: RestrictedQuerySet) -> list[Any]:
    """Those systems with n_subsystems, n_functions, n_components, n_interfaces, n_parameters (those in use)."""

    def of(name: str) -> Any:
        return Count(name, filter=Q(**{f"{name}__active": True}), distinct=True)

    counted = among.select_related("vendor").annotate(n_subsystems=of("subsystems"), n_functions=of("functions"))
    more = among.annotate(n_components=of("components"), n_interfaces=of("interfaces"), n_parameters=of("parameters"))
    beside = {row.pk: row for row in more}
    rows: list[Any] = list(counted.order_by("order", "code"))
    for row in rows:
        for name in ("n_components", "n_interfaces", "n_parameters"):
            setattr(row, name, getattr(beside[row.pk], name))
    return rows


def owners_of(subjects: Iterable[str]) -> dict[str, list[Ownership]]:
    """Owners of each subject ("system:HIS" …), owner before backup before others."""
    found: dict[str, list[Ownership]] = defaultdict(list)
    rows = Ownership.objects.filter(subject__in=list(subjects)).select_related("person", "person__organisation")
    for row in sorted(rows, key=lambda r: (r.subject, _PARTS.index(r.part), r.person.pinyin)):
        found[row.subject].append(row)
    return found


_PARTS = [str(v) for v in Ownership.Part.values]


def usual_functions(department_id: int | None) -> list[BusinessFunction]:
    """What the department works with, window functions first."""
    if department_id is None:
        return []
    rows = BusinessFunction.objects.filter(departments=department_id, active=True).select_related("system")
    return list(rows.order_by("-window", "system__order", "code"))


def functions_of(keys: Iterable[str]) -> list[BusinessFunction]:
    """The functions among graph keys, windows first, with their departments."""
    codes = [k.partition(":")[2] for k in keys if k.startswith("function:")]
    rows = BusinessFunction.objects.filter(code__in=codes).select_related("system").prefetch_related("departments")
    return list(rows.order_by("-window", "system__order", "code"))


def departments_of(functions: Iterable[BusinessFunction]) -> list[Department]:
    """The departments that work with any of the functions, window departments first."""
    found = {d.pk: d for f in functions for d in f.departments.all()}
    return sorted(found.values(), key=lambda d: (d.kind != Department.Kind.WINDOW, d.code))


def vocabulary() -> list[Term]:
    """Every word by which a system or part in use is called, with what it means."""
    terms: list[Term] = _kept("vocabulary", lambda: list(_terms()))
    return terms


def words() -> Vocabulary:
    """The vocabulary, ready to be found in a text."""
    built: Vocabulary = _kept("words", lambda: Vocabulary(vocabulary()))
    return built


def graph() -> Graph:
    """All parts in use and what depends on what."""
    built: Graph = _kept("graph", read_graph)
    return built


def read_graph() -> Graph:
    """The graph as it stands now, not from the cache: what a write is checked against."""
    edges = Dependency.objects.values_list("source", "target", "kind")
    return Graph(_nodes(), (Edge(*e) for e in edges))


def parameters() -> RestrictedQuerySet:
    """Parameters with `current`: the value at this hospital, what was set last or else the default."""
    last = ParameterValue.objects.filter(parameter=OuterRef("pk")).order_by("-changed_at", "-id")
    rows: RestrictedQuerySet = Parameter.objects.select_related("system", "subsystem").annotate(
        current=Coalesce(Subquery(last.values("value")[:1]), "default"),
        changed_at=Subquery(last.values("changed_at")[:1]),
    )
    return rows


def matching_parameters(text: str) -> Q:
    """Parameters whose name, code, meaning or effect holds every word of the text."""
    found = Q()
    for word in text.split()[:6]:
        found &= (
            Q(name__icontains=word) | Q(code__icontains=word) | Q(meaning__icontains=word) | Q(effect__icontains=word)
        )
    return found


def find(text: str, limit: int = 8) -> list[models.Model]:
    """Systems and parts by name, code or alias: what the search over everything shows."""
    wanted = Q(name__icontains=text) | Q(code__icontains=text) | Q(aliases__contains=[text])
    found: list[models.Model] = list(System.objects.filter(wanted | Q(short_name__icontains=text))[:limit])
    for model in (Subsystem, BusinessFunction, Interface, Component):
        found += list(model.objects.filter(wanted).select_related("system")[:limit])
    return found


def ends(keys: Iterable[str]) -> dict[str, models.Model]:
    """Key → row, for the ends of dependencies and the subjects of ownerships."""
    codes: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        kind, _, code = key.partition(":")
        codes[kind].append(code)
    found: dict[str, models.Model] = {}
    for kind, model in MODELS.items():
        if codes.get(kind):
            for row in model._default_manager.filter(code__in=codes[kind]).select_related(*_TO_SYSTEM[kind]):
                found[f"{kind}:{row.code}"] = row  # type: ignore[attr-defined]
    return found


MODELS: dict[str, type[models.Model]] = {
    "system": System,
    "function": BusinessFunction,
    "component": Component,
    "interface": Interface,
}
_TO_SYSTEM: dict[str, tuple[str, ...]] = {
    "system": (),
    "function": ("system",),
    "component": ("system", "responsible"),
    "interface": ("system", "peer_organisation"),
}


@dataclass(frozen=True, slots=True)
class Impact:
    """What a failure of one node would reach."""

    node: Node
    affected: list[Node]
    functions: list[BusinessFunction]
    departments: list[Department]
    needs: list[Node]

    @property
    def window(self) -> bool:
        return any(f.window for f in self.functions)


def impact(key: str) -> Impact | None:
    """The consequences of the node's failure, nearest first; None for an unknown key."""
    whole = graph()
    node = whole.nodes.get(key)
    if node is None:
        return None
    reached = whole.affected_by(key)
    upstream = whole.upstream(key)
    functions = functions_of([key, *reached])
    return Impact(
        node,
        [whole.nodes[k] for k in sorted(reached, key=lambda k: (reached[k], k))],
        functions,
        departments_of(functions),
        [whole.nodes[k] for k in sorted(upstream, key=lambda k: (upstream[k], k))],
    )


def forget() -> None:
    """Drop this process's cache (after a write, and between tests)."""
    _cache.clear()


def _kept(name: str, make: Any) -> Any:
    now = time.monotonic()
    found = _cache.get(name)
    if found is None or not 0 <= now - found[0] <= TTL_S:
        found = _cache[name] = (now, make())
    return found[1]


def _nodes() -> Iterator[Node]:
    for c in Component.objects.filter(active=True).select_related("system"):
        yield Node(f"component:{c.code}", c.name, c.kind, c.system.code if c.system else "")
    for i in Interface.objects.filter(active=True).select_related("system"):
        yield Node(f"interface:{i.code}", i.name, "interface", i.system.code)
    for f in BusinessFunction.objects.filter(active=True).select_related("system"):
        yield Node(f"function:{f.code}", f.name, "function", f.system.code, f.window)


def _terms() -> Iterator[Term]:
    for s in System.objects.all():
        for word in (s.code, s.name, s.short_name, *s.aliases):
            yield Term(word, s.code)
    for b in Subsystem.objects.filter(active=True).select_related("system"):
        for word in (b.name, *b.aliases):
            yield Term(word, b.system.code, subsystem=b.code)
    for f in BusinessFunction.objects.filter(active=True).select_related("system", "subsystem"):
        for word in (f.name, *f.aliases):
            yield Term(
                word,
                f.system.code,
                subsystem=f.subsystem.code if f.subsystem else "",
                function=f.code,
                window=f.window,
            )
    for i in Interface.objects.filter(active=True).select_related("system"):
        for word in (i.name, *i.aliases):
            yield Term(word, i.system.code, interface=i.code)
    for c in Component.objects.filter(active=True).exclude(aliases=[]).select_related("system"):
        for word in c.aliases:
            yield Term(word, c.system.code if c.system else "", component=c.code)
