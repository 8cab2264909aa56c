"""What a call is probably about: system, kind and level, each with the words that say so. Pure.

A proposal, never a decision: it fills the form that a person then sends. Levels follow clause 9.2b: level 1, the whole
hospital stands still; level 2, a window department (挂号处、药房、收费室、结账处) cannot do its basic business; else 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xingwei.base.estate.engine import Hit
from xingwei.base.estate.engine import Vocabulary as Words
from xingwei.base.ui.grams import normal

_HISTORY_WEIGHT = 1.5
_USUAL_WEIGHT = 1.0
LEVEL_WORDS = {1: "一级", 2: "二级", 3: "三级"}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """terms: how the estate's parts are called. words: data/guess.yaml."""

    terms: Words
    words: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """window: of a window department. usual: systems of the functions that the department uses; history: system →
    how many of its cases in the last months."""

    window: bool = False
    department: str = ""
    usual: frozenset[str] = frozenset()
    history: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Codes, empty where nothing speaks for one. why: one sentence a decision."""

    system: str = ""
    subsystem: str = ""
    function: str = ""
    interface: str = ""
    kind: str = "incident"
    severity: int = 0
    why: tuple[str, ...] = ()


def propose(text: str, caller: Caller, vocabulary: Vocabulary) -> Proposal:
    """Read the words. An empty text proposes only what the caller's department suggests."""
    said = normal(text)
    found = vocabulary.terms.find(text)
    system, why_system = _system(found, caller)
    parts = {name: _part(found, name, system) for name in ("subsystem", "function", "interface")}
    kind, why_kind = _kind(said, vocabulary.words)
    severity, why_level = _severity(said, found, caller, vocabulary.words) if kind == "incident" else (0, "")
    return Proposal(
        system=system, kind=kind, severity=severity, why=tuple(filter(None, (why_system, why_kind, why_level))), **parts
    )


def _system(found: Sequence[Hit], caller: Caller) -> tuple[str, str]:
    """Words weigh by their length, shared among what they may mean; department and history decide between equals."""
    votes: defaultdict[str, float] = defaultdict(float)
    for hit in found:
        for term in hit.terms:
            votes[term.system] += len(hit.word) / len(hit.terms)
    total = sum(caller.history.values())
    for code, n in caller.history.items():
        votes[code] += _HISTORY_WEIGHT * n / total
    for code in caller.usual:
        votes[code] += _USUAL_WEIGHT / len(caller.usual)
    if not votes:
        return "", ""
    best = max(sorted(votes), key=lambda code: votes[code])
    words = list(dict.fromkeys(hit.word for hit in found if any(t.system == best for t in hit.terms)))[:3]
    if words:
        return best, f"说到“{'”“'.join(words)}”"
    return best, f"{caller.department}常反映这个系统" if caller.department else ""


def _part(found: Sequence[Hit], name: str, system: str) -> str:
    for hit in found:
        for term in hit.terms:
            code: str = getattr(term, name)
            if code and term.system == system:
                return code
    return ""


def _first(said: str, words: Iterable[str]) -> str:
    return next((w for w in words if w in said), "")


def _kind(said: str, words: Mapping[str, Any]) -> tuple[str, str]:
    labels = {"complaint": "投诉", "data_request": "数据提取", "change": "变更与升级", "hazard": "隐患",
              "requirement": "需求", "consultation": "咨询"}  # fmt: skip
    if word := _first(said, words["defect"]):
        return "defect", f"“{word}”像是程序缺陷"
    fault = _first(said, words["fault"])
    for kind, marks in words["kinds"].items():
        word = _first(said, marks)
        if word and not (fault and kind in {"requirement", "consultation"}):
            return kind, f"“{word}”像是{labels[kind]}"
    return "incident", ""


def _severity(said: str, found: Sequence[Hit], caller: Caller, words: Mapping[str, Any]) -> tuple[int, str]:
    marks = words["severity"]
    stopped = _first(said, marks["stopped"])
    everywhere = _first(said, marks["everywhere"])
    if everywhere and stopped:
        return 1, f"一级：“{everywhere}”“{stopped}”，全院业务不能开展（条款 9.2b）"
    window = _first(said, words["window_functions"]) or next(
        (hit.word for hit in found if any(t.window for t in hit.terms)), ""
    )
    many = _first(said, marks["many"]) or _first(said, marks["waiting"])
    one = _first(said, marks["one"])
    if (caller.window or window) and (stopped or many) and (many or not one) and (many or window):
        where = caller.department if caller.window else window
        return 2, f"二级：{where}“{stopped or many}”，窗口不能办基本业务（条款 9.2b）"
    if "抢救" in said and stopped:
        return 2, f"二级：抢救病人“{stopped}”"
    return 3, f"三级：没有说到窗口停办{f'，“{one}”像是个别电脑' if one else ''}"
