"""Where the text of a contract contradicts itself or leaves a choice: found in the data, with what hangs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from . import found_numbers, found_text
from .examples import Example, Setting, example
from .facts import Cited, Fact
from .model import Contract, Question, Reading
from .readings import KNOWN, Readings

_COMPUTED: dict[str, tuple[str, str, Callable[[Contract], Iterator[Fact]]]] = {
    "points_sum": ("fee", "各项分值之和与满分不一致", found_numbers.points_sum),
    "band_gap": ("fee", "均分可以落在两档之间", found_numbers.band_gap),
    "band_overlap": ("fee", "均分恰为界值时同时落在两档", found_numbers.band_overlap),
    "fee_rules": ("fee", "同一得分两处付费规则不同", found_numbers.fee_rules),
    "step_rule": ("fee", "按小时扣分与累计扣分不衔接", found_numbers.step_rule),
    "reverse_unlimited": ("fee", "倒扣分没有上限", found_numbers.reverse_unlimited),
    "system_count": ("scope", "所写的系统数与所列的不一致", found_text.system_count),
    "missing_items": ("scope", "多数系统都有的条目，个别系统没有写", found_text.missing_items),
    "foreign_names": ("duty", "写成了其他产品的名称", found_text.foreign_names),
    "numbering": ("wording", "编号跳号、重号", found_text.numbering),
    "party_names": ("wording", "同一方有多个称呼", found_text.party_names),
    "system_names": ("wording", "同一系统有多个名称", found_text.system_names),
}
_ORDER = ("fee", "deadline", "scope", "duty", "wording")


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction or open choice.

    facts: what was found, each with its words. readings: the possible ones; none where the contract's questions
    do not ask about it. chosen: the reading in force; agreed: both sides have signed it; computed: the product
    computes by it (else the people go by it). example: the same facts under each reading.
    """

    id: str
    finds: str
    affects: str
    title: str
    facts: tuple[Fact, ...]
    readings: tuple[Reading, ...] = ()
    chosen: str = ""
    because: str = ""
    agreed: bool = False
    computed: bool = False
    example: Example | None = None

    @property
    def quotes(self) -> tuple[Cited, ...]:
        return tuple(dict.fromkeys(q for fact in self.facts for q in fact.quotes))

    @property
    def chosen_label(self) -> str:
        return next((r.label for r in self.readings if r.id == self.chosen), "")

    def touches(self, passages: Iterable[str]) -> bool:
        """Whether any of its words stand in one of these passages."""
        return not {q.at for q in self.quotes}.isdisjoint(passages)


def check(
    contract: Contract, readings: Readings, setting: Setting | None = None, *, examples: bool = True
) -> list[Finding]:
    """Every finding, gravest first: what decides money, then deadlines, scope, duties, words.

    setting: sums and dates for the worked examples; by default 100 万元 and a year, as stated in the examples.
    examples: False where nobody reads them; they are most of the work.
    """
    setting = setting or Setting()
    found = []
    known = _known(_Same(contract))
    for question, facts in zip(contract.questions, known.of_questions, strict=True):
        if facts:
            found.append(
                Finding(
                    id=question.id,
                    finds=question.finds,
                    affects=question.affects,
                    title=question.title,
                    facts=facts,
                    readings=question.readings,
                    chosen=readings.chosen.get(question.id, question.until_agreed),
                    because=question.because,
                    agreed=question.id in readings.agreed,
                    computed=question.id in KNOWN,
                    example=example(contract, question, readings, setting) if examples else None,
                )
            )
    for finds, facts in known.unasked.items():
        affects, title, _ = _COMPUTED[finds]
        found.append(Finding(finds.replace("_", "-"), finds, affects, title, facts))
    return sorted(found, key=lambda f: _ORDER.index(f.affects))


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A contract as itself: its text never changes, and comparing it word by word would take as long as reading it."""

    contract: Contract

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.contract is other.contract

    def __hash__(self) -> int:
        return id(self.contract)


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands in the text, whatever the readings are. of_questions: in their order. unasked: computed findings
    that no question covers."""

    of_questions: tuple[tuple[Fact, ...], ...]
    unasked: Mapping[str, tuple[Fact, ...]]


@lru_cache(maxsize=8)
def _known(same: _Same) -> _Known:
    contract = same.contract
    asked = {q.finds for q in contract.questions}
    rest = {finds: tuple(finder(contract)) for finds, (_, _, finder) in _COMPUTED.items() if finds not in asked}
    return _Known(
        tuple(_facts(contract, q) for q in contract.questions),
        {finds: facts for finds, facts in rest.items() if facts},
    )


def _facts(contract: Contract, question: Question) -> tuple[Fact, ...]:
    if question.finds in _COMPUTED:
        return tuple(_COMPUTED[question.finds][2](contract))
    if question.finds == "conflict":
        return tuple(found_text.conflict(question))
    if question.finds == "slips":
        return tuple(found_text.slips(contract, question))
    return tuple(found_text.undefined(question))
