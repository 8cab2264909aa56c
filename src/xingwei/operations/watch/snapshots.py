"""A verdict's document, as pages read it; and everything it was given, packed so that it can be judged again."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from .engine.triage import Edge, Event, Graph, Node, Series, Verdict
from .queries.checks import Answer
from .queries.evidence import Collected

SHOWN_EVIDENCE = 14


def document_of(given: Collected, judged: Verdict, answers: Sequence[Answer], node: str) -> dict[str, Any]:
    """JSON: suspects with parts and evidence, checks, states of the nodes, what was excluded."""
    return {
        "unknown": judged.unknown or judged.quiet, "quiet": judged.quiet, "causes": judged.causes,
        "unknown_score": round(judged.unknown_score, 4), "onset": judged.onset.isoformat() if judged.onset else None,
        "suspects": [_suspect(s) for s in judged.suspects], "checks": [a.as_json() for a in answers],
        "states": dict(judged.states), "blind": given.blind, "node": node,
        "excluded": [_evidence(e) for e in judged.excluded],
        "told": [_event(e) for e in given.events if e.kind in {"case", "notice", "breaker"}][-6:],
        "measured": len(given.series), "findings": len(judged.findings),
    }  # fmt: skip


def _suspect(s: Any) -> dict[str, Any]:
    return {
        "node": s.node, "label": s.label, "layer": str(s.layer), "owner": str(s.owner), "owner_name": s.owner_name,
        "score": round(s.score, 4), "parts": {k: round(v, 4) for k, v in s.parts.items()}, "rule": s.rule, "why": s.why,
        "remedy": s.remedy, "guide": s.guide, "next_checks": list(s.next_checks),
        "onset": s.onset.isoformat() if s.onset else None, "evidence": [_evidence(e) for e in s.evidence],
    }  # fmt: skip


def _evidence(e: Any) -> dict[str, Any]:
    return {
        "kind": e.kind, "text": e.text, "speaks": e.speaks, "at": e.at.isoformat() if e.at else None, "node": e.node,
        "signal": e.signal, "ref": e.ref, "weight": e.weight,
    }  # fmt: skip


def _event(e: Event) -> dict[str, Any]:
    return {"kind": e.kind, "text": e.text, "speaks": "beside", "at": e.at.isoformat(), "node": e.node, "signal": "",
            "ref": e.ref, "weight": 0.0}  # fmt: skip


def packed(given: Collected, at: dt.datetime) -> bytes:
    """Compressed JSON; figures to four digits, times to the second."""
    graph = given.graph
    body = {
        "at": at.isoformat(),
        "nodes": [asdict(n) for n in graph.nodes.values()],
        "edges": [[e.source, e.target, e.kind] for e in graph.edges],
        "series": [
            [s.node, s.signal, s.title, s.unit, [round(t) for t in s.times.tolist()],
             [None if v != v else float(f"{v:.4g}") for v in s.values.tolist()]]  # noqa: PLR0124
            for s in given.series.values()
        ],
        "events": [
            [e.at.isoformat(), e.kind, e.node, e.text, e.code, e.by, dict(e.data)] for e in given.events
        ],
    }  # fmt: skip
    return zlib.compress(json.dumps(body, ensure_ascii=False).encode(), 6)


def unpacked(data: bytes | memoryview) -> tuple[Graph, list[Series], list[Event], dt.datetime]:
    body = json.loads(zlib.decompress(bytes(data)))
    graph = Graph([Node(**n) for n in body["nodes"]], [Edge(*e) for e in body["edges"]])
    series = [
        Series(
            node, signal, np.array(times, float), np.array([np.nan if v is None else v for v in values]), title, unit
        )
        for node, signal, title, unit, times, values in body["series"]
    ]
    events = [
        Event(dt.datetime.fromisoformat(at), kind, node, text, code, by, data)
        for at, kind, node, text, code, by, data in body["events"]
    ]
    return graph, series, events, dt.datetime.fromisoformat(body["at"])
