"""What one text of a contract changes against another: words, deadlines, obligations, scorecard, fee, questions."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .facts import number
from .model import PARTIES, Contract


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a changed text. kind: same, gone or new."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """part: what it belongs to (条文, 到场时限 …). kind: added, removed or changed; pieces: the words of both."""

    part: str
    title: str
    kind: str
    pieces: tuple[Piece, ...]

    @property
    def label(self) -> str:
        return {"added": "新增", "removed": "删去", "changed": "改动"}[self.kind]


def compare(old: Contract, new: Contract) -> list[Difference]:
    """Every difference, in the order of the new text; what is gone stands at the end of its part."""
    before, after = _entries(old), _entries(new)
    out: list[Difference] = []
    for part in dict.fromkeys([*after, *before]):
        out += _part(part, before.get(part, {}), after.get(part, {}))
    return out


def pieces(old: str, new: str) -> tuple[Piece, ...]:
    """Both texts in one line of stretches."""
    out: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            out.append(Piece("same", old[i:j]))
            continue
        if j > i:
            out.append(Piece("gone", old[i:j]))
        if m > k:
            out.append(Piece("new", new[k:m]))
    return tuple(out)


def _part(
    part: str, before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]
) -> Iterator[Difference]:
    for key, (title, text) in after.items():
        if key not in before:
            yield Difference(part, title, "added", (Piece("new", text),))
        elif before[key][1] != text:
            yield Difference(part, title, "changed", pieces(before[key][1], text))
    for key, (title, text) in before.items():
        if key not in after:
            yield Difference(part, title, "removed", (Piece("gone", text),))


def _entries(contract: Contract) -> dict[str, dict[str, tuple[str, str]]]:
    """Part → key → (title, text); texts are compared, titles shown."""
    terms, card = contract.service, contract.scorecard
    levels = {str(s.severity): (s.name, f"{s.title}：{s.means}；{s.arrive.label}") for s in terms.levels}
    if terms.major_fault is not None:
        levels["major"] = ("重大故障", terms.major_fault.label)
    hours = "7×24" if terms.response_around_the_clock else "工作时间"
    rules = {r.id: (f"{i.title}：{r.event}", r.label) for i in card.items for r in i.rules}
    points = {i.id: (i.title, f"{i.printed_points} 分") for i in card.items}
    return {
        "条文": {at: (contract.citation(at), words) for at, words in contract.words.items()},
        "响应时限": {"response": ("响应", f"{terms.response.total_seconds() / 60:g} 分钟，{hours}")},
        "到场时限": levels,
        "履约义务": {
            o.id: (
                o.what,
                f"{o.period_label}，{PARTIES[o.party]}，{'、'.join(o.systems) or '全院'}，{o.evidence_label}",
            )
            for o in contract.obligations
        },
        "考核表分值": points,
        "扣分标准": rules,
        "否决项": {v.id: (v.id, v.event) for v in card.vetoes},
        "付费档": {
            f"{t.id}.{n}": (f"{t.where} {b.label}", f"付 {number(b.percent_paid)}%")
            for t in contract.fee_tables
            for n, b in enumerate(t.bands)
        },
        "问题": {
            q.id: (q.title, f"{'；'.join(r.label for r in q.readings)}。确认前：{q.until_agreed}")
            for q in contract.questions
        },
        "条款编号": {c.id: (c.id, f"{c.title}（{'、'.join(c.systems)}）") for c in contract.clauses},
    }
