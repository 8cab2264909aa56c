"""The contract as typed, immutable data. Field meanings are those of contract.schema.json."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

AFFECTS = {"fee": "付费", "deadline": "时限", "scope": "范围", "duty": "职责", "wording": "文字"}
PERIODS = {
    "once": "一次",
    "per_event": "每次",
    "each_workday": "每个工作日",
    "monthly": "每月",
    "quarterly": "每季度",
    "yearly": "每年",
    "before_holidays": "节前",
    "continuous": "持续",
}
PARTIES = {"vendor": "运维服务商", "hospital": "医院", "both": "双方"}
BASES = {
    "total": "合同总金额",
    "service_fee": "服务费用",
    "month": "当月服务费",
    "unpaid": "剩余未支付服务费",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """Exact words and the passage they stand in."""

    at: str
    words: str


@dataclass(frozen=True, slots=True)
class System:
    code: str
    name: str
    short: str
    kind: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A line of the document and the paragraphs under it. systems: its own or those inherited from above."""

    id: str
    number: str = ""
    heading: str = ""
    lead: str = ""
    text: str = ""
    systems: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    insert: str = ""
    depth: int = 0
    parent: str = ""
    parts: tuple[Passage, ...] = ()

    @property
    def title(self) -> str:
        return (self.heading or self.lead).rstrip("：")

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the document that this passage itself is, without its parts."""
        paragraphs = self.text.split("\n") if self.text else []
        if self.heading:
            return (f"{self.number}{self.heading}", *paragraphs)
        first = f"{self.number}{self.lead}：{paragraphs[0]}" if self.lead else f"{self.number}{paragraphs[0]}"
        return (first, *paragraphs[1:])

    @property
    def words(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause as numbered in clauses.tsv. systems is empty where it concerns the whole hospital."""

    id: str
    title: str
    work: str
    systems: tuple[str, ...]
    every_system: bool

    @property
    def sort_key(self) -> tuple[int, int, str]:
        chapter, _, rest = self.id.partition(".")
        digits = rest.rstrip("abcdefghijklmnopqrstuvwxyz")
        return int(chapter), int(digits), rest[len(digits) :]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Time allowed to be on site: hours, or workdays; exactly one of the two."""

    hours: dt.timedelta | None = None
    workdays: int | None = None
    or_by_agreement: bool = False

    @property
    def label(self) -> str:
        if self.hours is not None:
            return f"{self.hours.total_seconds() / 3600:g} 小时"
        return f"{self.workdays} 个工作日{'或协商确定' if self.or_by_agreement else ''}"


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    severity: int
    name: str
    title: str
    means: str
    arrive: Arrival
    clause: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What the text says of response and arrival, before any reading is applied."""

    response: dt.timedelta
    response_around_the_clock: bool
    response_clause: str
    response_quotes: tuple[Quote, ...]
    levels: tuple[ServiceLevel, ...]
    major_fault: Arrival | None


@dataclass(frozen=True, slots=True)
class Obligation:
    id: str
    clause: str
    quote: Quote
    what: str
    period: str
    party: str
    evidence_kind: str
    evidence_label: str
    times: int = 1
    trigger: str = ""
    systems: tuple[str, ...] = ()

    @property
    def dated(self) -> bool:
        return self.period in {"once", "monthly", "quarterly", "yearly", "before_holidays"}

    @property
    def period_label(self) -> str:
        if self.period == "yearly":
            return f"每年 {self.times} 次" if self.times > 1 else "每年"
        return f"{self.trigger}时" if self.period == "per_event" else PERIODS[self.period]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a row of the scorecard deducts; see contract.schema.json $defs/rule for the kinds."""

    id: str
    event: str
    kind: str
    points: Decimal = Decimal(0)
    at_least: Decimal = Decimal(0)
    beyond_minutes: int = 0
    over_hours: Decimal | None = None
    flat_points: Decimal = Decimal(0)
    below_percent: Decimal | None = None

    @property
    def label(self) -> str:
        plain = {
            "graded": f"每次不低于 {self.at_least} 分",
            "flat": f"扣 {self.points} 分",
            "per_occurrence": f"每次扣 {self.points} 分",
        }
        if self.kind in plain:
            return plain[self.kind]
        flat = f"；累计超过 {self.over_hours} 小时扣 {self.flat_points} 分" if self.over_hours else ""
        return f"每小时扣 {self.points} 分{flat}"


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the scorecard. reverse: it has no points of its own and only deducts from the total."""

    id: str
    number: str
    title: str
    criteria: str
    printed_points: str
    points: Decimal
    reverse: bool
    clauses: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    id: str
    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Veto:
    id: str
    event: str
    quote: Quote


@dataclass(frozen=True, slots=True)
class Scorecard:
    caption: str
    date_line: str
    full_marks: Decimal
    full_marks_quote: Quote
    columns: tuple[tuple[str, ...], ...]
    items: tuple[Item, ...]
    remarks: tuple[Remark, ...]
    vetoes: tuple[Veto, ...]
    total_label: str = ""
    remarks_label: str = ""
    overall_label: str = ""
    terminates_after: int | None = None
    terminates_quote: Quote | None = None

    @property
    def points(self) -> Decimal:
        return sum((i.points for i in self.items), Decimal(0))

    def rule(self, rule_id: str) -> tuple[Item, Rule]:
        """Raises KeyError for an id that is none."""
        return {rule.id: (item, rule) for item in self.items for rule in item.rules}[rule_id]


@dataclass(frozen=True, slots=True)
class FeeBand:
    """Scores from low to high (None: unbounded) and what they pay, in percent of `of` as the text names it."""

    quote: Quote
    of: tuple[str, ...]
    percent_paid: Decimal
    states_deduction: bool
    low: Decimal | None = None
    low_closed: bool = False
    high: Decimal | None = None
    high_closed: bool = False
    grade: str = ""

    def holds(self, score: Decimal) -> bool:
        above = self.low is None or score > self.low or (self.low_closed and score == self.low)
        below = self.high is None or score < self.high or (self.high_closed and score == self.high)
        return above and below

    @property
    def label(self) -> str:
        if self.low is None:
            return f"{self.high} 以下"
        return f"{self.low} 以上" if self.high is None else f"{self.low}–{self.high}"

    @property
    def name(self) -> str:
        """The label in a sentence: "80–89 档", "60 以下档"."""
        return f"{self.label} 档" if self.label[-1].isdigit() else f"{self.label}档"


@dataclass(frozen=True, slots=True)
class FeeTable:
    """The bands as one place of the text states them, best first."""

    id: str
    where: str
    bands: tuple[FeeBand, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    at: str
    words: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Slip:
    at: str
    words: str
    likely: str


@dataclass(frozen=True, slots=True)
class Reading:
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """A choice that the text leaves open, its readings and the one used until the two sides sign one."""

    id: str
    finds: str
    affects: str
    title: str
    readings: tuple[Reading, ...]
    until_agreed: str
    because: str
    statements: tuple[Statement, ...] = ()
    slips: tuple[Slip, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnName:
    pattern: str
    about: str


@dataclass(frozen=True)
class Contract:
    code: str
    hospital: str
    title: str
    claims_systems: int | None
    claims_quote: Quote | None
    systems: tuple[System, ...]
    passages: tuple[Passage, ...]
    service: ServiceTerms
    obligations: tuple[Obligation, ...]
    scorecard: Scorecard
    fee_tables: tuple[FeeTable, ...]
    when_paid: Quote | None
    questions: tuple[Question, ...]
    parties: tuple[Party, ...] = ()
    own_names: tuple[OwnName, ...] = ()
    clauses: tuple[Clause, ...] = field(default=())

    def walk(self) -> Iterator[Passage]:
        """Every passage, in the order of the document."""

        def down(passages: tuple[Passage, ...]) -> Iterator[Passage]:
            for passage in passages:
                yield passage
                yield from down(passage.parts)

        return down(self.passages)

    @cached_property
    def by_id(self) -> Mapping[str, Passage]:
        return {p.id: p for p in self.walk()}

    @cached_property
    def clause_by_id(self) -> Mapping[str, Clause]:
        return {c.id: c for c in self.clauses}

    @cached_property
    def words(self) -> Mapping[str, str]:
        """Passage, scorecard row or remark id → its exact words."""
        found = {"title": f"{self.hospital}\n{self.title}"} | {p.id: p.words for p in self.walk()}
        found |= {i.id: f"{i.title}\n{i.criteria}\n{i.printed_points}" for i in self.scorecard.items}
        found |= {r.id: f"{r.number}{r.text}" for r in self.scorecard.remarks}
        return found

    def citation(self, at: str) -> str:
        """How a person refers to a passage: "一、7 熔断服务", "九（二）4 一级问题", "考核表第 3 行", "考核表备注 5"."""
        if at == "title":
            return "标题"
        if at[0] == "S":
            return f"考核表第 {at[1:]} 行"
        if at[0] == "R":
            return f"考核表备注 {at[1:]}"
        numbers: list[str] = []
        passage = self.by_id.get(at)
        title = passage.title if passage else ""
        while passage is not None:
            above = self.by_id.get(passage.parent)
            number = passage.number.strip().rstrip("、" if above else "")
            if numbers and self._shares_number(passage):  # 八、1. stands twice
                number += f"（{passage.title}）"
            numbers.insert(0, number)
            passage = above
        text = "".join(numbers).replace("、（", "（").rstrip("、")
        return f"{text}{'' if text.endswith('）') else ' '}{title}".strip()

    def _shares_number(self, passage: Passage) -> bool:
        siblings = self.by_id[passage.parent].parts if passage.parent else self.passages
        return bool(passage.number) and sum(s.number == passage.number for s in siblings) > 1
