"""The clauses: which systems each concerns, its exact words, where the product serves it, and what is due under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.urls import NoReverseMatch, reverse

from xingwei.base.ui.registry import Served, registry
from xingwei.base.ui.table import Column, Table

from .. import obligations, questions
from ..engine.due import Standing
from ..engine.model import Clause, Passage
from ..obligations import Kept
from ..queries import Shown
from ..questions import Asked
from .base import ContractPage
from .exporting import Exported

_WORST = ("late", "partly", "soon", "open", "future", "done_late", "done")
SHOW = (
    ("", "全部"),
    ("dated", "有期限"),
    ("served", "产品中已有页面"),
    ("unserved", "尚无页面"),
    ("asked", "文本有问题"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A system that the clause concerns or not: the passage where it says so, and this term's evidence."""

    system: str
    name: str
    passage: str
    count: int


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """A clause in the table. cells is empty where it concerns the hospital as a whole."""

    clause: Clause
    cells: tuple[Cell, ...]
    kept: tuple[Kept, ...]
    served: tuple[Served, ...]
    asked: int

    @property
    def now(self) -> Standing | None:
        """The due time that most needs a look among the clause's obligations."""
        found = [k.now for k in self.kept if k.now is not None]
        return min(found, key=lambda s: (_WORST.index(s.state), s.due.due), default=None)

    @property
    def systems(self) -> str:
        return "、".join(c.name for c in self.cells if c.passage) or "全院"


class Clauses(Exported, ContractPage):
    template_name = "contract/clauses.html"
    title = "合同条款"
    tab = "clauses"
    export_name = "合同条款"

    class ExportTable(Table):
        columns = (
            Column("number", "条款", "clause.id"),
            Column("title", "要求", "clause.title", kind="title"),
            Column("systems", "系统"),
            Column("obligations", "履约义务", lambda row: "；".join(k.obligation.what for k in row.kept)),
            Column("due", "本次到期", lambda row: row.now.due.due if row.now else ""),
            Column("served", "产品中的位置", lambda row: "；".join(s.label for s in row.served)),
        )

    def rows(self) -> list[ClauseRow]:
        kept = obligations.kept(self.shown)
        found = matrix(kept, self.shown, questions.asked(self.actor, self.shown))
        tests: dict[str, Callable[[ClauseRow], bool]] = {
            "dated": lambda r: r.now is not None,
            "served": lambda r: bool(r.served),
            "unserved": lambda r: not r.served,
            "asked": lambda r: r.asked > 0,
        }
        chosen = tests.get(self.request.GET.get("show", ""))
        return [r for r in found if chosen(r)] if chosen else found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "rows": self.rows(),
            "show": self.request.GET.get("show", ""),
            "choices": SHOW,
        }


class ClausePage(ContractPage):
    template_name = "contract/clause.html"
    tab = "clauses"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = self.shown
        clause = shown.contract.clause_by_id.get(kwargs["number"])
        if clause is None:
            raise Http404("没有这个条款")
        passages = [p for p in shown.contract.walk() if clause.id in p.clauses]
        own = [o.id for o in shown.contract.obligations if o.clause == clause.id]
        ids = {p.id for p in passages}
        asked = [a for a in questions.asked(self.actor, shown) if a.finding.touches(ids)]
        order = [c.id for c in shown.contract.clauses]
        at = order.index(clause.id)
        return super().get_context_data(**kwargs) | {
            "title": f"条款 {clause.id}",
            "clause": clause,
            "passages": _outermost(passages),
            "kept": obligations.kept(shown, only=own),
            "served": [(s, address(s)) for s in registry.served_by if s.clause == clause.id],
            "asked": asked,
            "items": [i for i in shown.contract.scorecard.items if clause.id in i.clauses],
            "previous": order[at - 1] if at else "",
            "next": order[at + 1] if at + 1 < len(order) else "",
        }


def matrix(kept: list[Kept], shown: Shown, asked: list[Asked]) -> list[ClauseRow]:
    """Every clause with its systems, obligations, pages and questions."""
    contract = shown.contract
    where: dict[tuple[str, str], str] = {}
    passages: dict[str, set[str]] = {}
    for passage in contract.walk():
        for ident in passage.clauses:
            passages.setdefault(ident, set()).add(passage.id)
            for code in passage.systems:
                where.setdefault((ident, code), passage.id)
    out = []
    for clause in contract.clauses:
        own = tuple(k for k in kept if k.obligation.clause == clause.id)
        cells = tuple(
            Cell(s.code, s.short, where.get((clause.id, s.code), ""), _count(own, s.code)) for s in contract.systems
        )
        out.append(
            ClauseRow(
                clause,
                cells if any(c.passage for c in cells) else (),
                own,
                tuple(s for s in registry.served_by if s.clause == clause.id),
                sum(a.finding.touches(passages.get(clause.id, ())) for a in asked),
            )
        )
    return out


def address(served: Served) -> str:
    """The page's address; "" where it needs to know of which thing, or is not there."""
    try:
        return reverse(served.url_name) if served.url_name else ""
    except NoReverseMatch:
        return ""


def _count(kept: tuple[Kept, ...], system: str) -> int:
    return sum(row.count for k in kept for row in k.evidence if row.system == system)


def _outermost(passages: list[Passage]) -> list[tuple[Passage, list[Passage]]]:
    """Passages with the parts of them that belong to the clause too: a heading is shown once, above its parts."""
    inside = {p.id for p in passages}
    tops = [p for p in passages if p.parent not in inside]
    return [(top, [p for p in passages if p is not top and _under(p, top)]) for top in tops]


def _under(passage: Passage, top: Passage) -> bool:
    return any(part.id == passage.id or _under(passage, part) for part in top.parts)
