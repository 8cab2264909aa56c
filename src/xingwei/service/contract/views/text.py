"""The document itself, whole and in its order, searchable; and the scorecard as its own sheet of paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import questions
from ..engine.model import Passage
from .base import ContractPage

LONGEST_QUERY = 60
EVERYWHERE = frozenset({"party_names", "system_names", "missing_items"})  # would mark every other line


@dataclass(frozen=True, slots=True)
class Line:
    """A passage on the page. asked: the questions that its words raise. hit: it holds the words searched for."""

    passage: Passage
    systems: bool
    asked: tuple[tuple[str, str], ...]
    hit: bool


class Text(ContractPage):
    template_name = "contract/text.html"
    title = "合同原文"
    tab = "text"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        contract = self.shown.contract
        q = self.request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_QUERY]
        raised: dict[str, dict[str, str]] = {}
        for row in questions.asked(self.actor, self.shown):
            if row.finding.finds in EVERYWHERE:
                continue
            for quote in row.finding.quotes:
                raised.setdefault(quote.at, {})[row.finding.id] = row.finding.title
        lines = []
        for passage in contract.walk():
            above = contract.by_id.get(passage.parent)
            own = passage.systems != (above.systems if above else ())
            hit = bool(q) and _holds(passage.words, q)
            lines.append(Line(passage, own, tuple(raised.get(passage.id, {}).items()), hit))
        card = contract.scorecard
        in_card = [
            at
            for at in (*(i.id for i in card.items), *(r.id for r in card.remarks))
            if q and _holds(contract.words[at], q)
        ]
        return super().get_context_data(**kwargs) | {
            "q": q,
            "lines": lines,
            "raised": {at: tuple(found.items()) for at, found in raised.items()},
            "hits": [line for line in lines if line.hit],
            "card_hits": in_card,
            "hit_count": sum(line.hit for line in lines) + len(in_card),
        }


def _holds(words: str, q: str) -> bool:
    return q.lower() in words.lower()


class ScorecardSheet(ContractPage):
    template_name = "contract/scorecard.html"
    title = "服务考核表"
    extra_context = {"raised": {}}
