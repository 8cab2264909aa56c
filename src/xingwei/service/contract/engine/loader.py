"""Files → Contract: schema, then sense. Everything that is wrong is said at once."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from xingwei.base.ui.datafiles import FileProblems, Problem, read, validate

from . import sense
from .model import (
    Arrival,
    Clause,
    Contract,
    FeeBand,
    FeeTable,
    Item,
    Obligation,
    OwnName,
    Party,
    Passage,
    Question,
    Quote,
    Reading,
    Remark,
    Rule,
    Scorecard,
    ServiceLevel,
    ServiceTerms,
    Slip,
    Statement,
    System,
    Veto,
)
from .transcript import source_lines, transcript

CLAUSES, SOURCE = "clauses.tsv", "source.txt"
_CLAUSE_COLUMNS = 4

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """contract, and the document it was built from: what a version stores, and what its digest is taken of."""

    contract: Contract
    document: dict[str, Any]

    @property
    def digest(self) -> str:
        text = json.dumps(self.document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def load(files: Mapping[str, str], schema: Mapping[str, Any]) -> Loaded:
    """The contract in these files (name → text): *.yaml, clauses.tsv and, where there is one, source.txt.

    Raises FileProblems with every problem: file, line, path, a Chinese sentence.
    """
    source = read({name: text for name, text in files.items() if name.endswith((".yaml", ".yml"))})
    if problems := validate(source, schema):
        raise FileProblems(problems)
    document = {"data": source.document, "clauses": clause_rows(files.get(CLAUSES, ""))}
    contract = build(document)
    problems = [source.locate(p) for p in sense.problems(contract, source.document)]
    if SOURCE in files:
        problems += compare(contract, files[SOURCE])
    if problems:
        raise FileProblems(problems)
    return Loaded(contract, document)


def clause_rows(text: str) -> list[list[str]]:
    """clauses.tsv as rows of number, systems, title, work. Raises FileProblems naming the line."""
    rows: list[list[str]] = []
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [c.strip() for c in line.split("\t")]
        if number == 1 or not line.strip():
            continue
        if len(cells) != _CLAUSE_COLUMNS or not all(cells):
            problems.append(Problem("应是四列：编号、系统、条款、软件要做的事", (), CLAUSES, number))
        elif cells[0] in {r[0] for r in rows}:
            problems.append(Problem(f"条款 {cells[0]} 重复", (), CLAUSES, number))
        rows.append(cells)
    if problems:
        raise FileProblems(problems)
    return rows


def compare(contract: Contract, source: str) -> list[Problem]:
    """Where the transcription differs from the document, as problems at lines of source.txt."""
    wanted, got = source_lines(source), transcript(contract)
    numbers = [n for n, raw in enumerate(source.splitlines(), start=1) if source_lines(raw)]
    problems = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, wanted, got, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        here = numbers[min(i, len(numbers) - 1)]
        said = f"原文是“{' / '.join(wanted[i:j])[:80]}”，录入的是“{' / '.join(got[k:m])[:80]}”"
        problems.append(Problem(f"录入与原文不一致：{said}", (), SOURCE, here))
    return problems


def build(document: Data) -> Contract:
    """The typed contract of a document that has passed the schema."""
    data = document["data"]
    head, service = data["contract"], data["service_levels"]
    codes = tuple(s["code"] for s in data["systems"])
    claims = head.get("claims_systems")
    major = service.get("major_fault")
    return Contract(
        code=head["code"],
        hospital=head["hospital"],
        title=head["title"],
        claims_systems=claims and claims["count"],
        claims_quote=claims and _quote(claims),
        systems=tuple(System(s["code"], s["name"], s["short"], s["kind"], tuple(s["names"])) for s in data["systems"]),
        passages=tuple(_passage(p, (), (), 0, "") for p in data["passages"]),
        service=ServiceTerms(
            response=dt.timedelta(minutes=service["response"]["minutes"]),
            response_around_the_clock=service["response"]["around_the_clock"],
            response_clause=service["response"]["clause"],
            response_quotes=_quotes(service["response"]["quotes"]),
            levels=tuple(_level(s) for s in service["severities"]),
            major_fault=_arrival(major["arrive"]) if major else None,
        ),
        obligations=tuple(_obligation(o) for o in data["obligations"]),
        scorecard=_scorecard(data["scorecard"]),
        fee_tables=tuple(
            FeeTable(t["id"], t["where"], tuple(_band(b) for b in t["bands"])) for t in data["fee"]["tables"]
        ),
        when_paid=_quote(data["fee"]["when_paid"]) if "when_paid" in data["fee"] else None,
        questions=tuple(_question(q) for q in data.get("questions", ())),
        parties=tuple(Party(p["key"], tuple(p["names"])) for p in data.get("parties", ())),
        own_names=tuple(OwnName(n["pattern"], n["about"]) for n in data.get("own_names", ())),
        clauses=tuple(_clause(row, codes) for row in document["clauses"]),
    )


def _clause(row: list[str], codes: tuple[str, ...]) -> Clause:
    number, systems, title, work = row
    every = systems == "ALL"
    return Clause(number, title, work, codes if every else tuple(systems.split()), every)


def _quote(raw: Data) -> Quote:
    return Quote(raw["at"], raw["words"])


def _quotes(raw: Iterable[Data]) -> tuple[Quote, ...]:
    return tuple(_quote(q) for q in raw)


def _number(raw: Any) -> Decimal:
    return Decimal(str(raw))


def _passage(raw: Data, systems: tuple[str, ...], clauses: tuple[str, ...], depth: int, parent: str) -> Passage:
    systems = tuple(raw["systems"]) if "systems" in raw else systems
    clauses = tuple(raw["clauses"]) if "clauses" in raw else clauses
    return Passage(
        id=raw["id"],
        number=raw.get("number", ""),
        heading=raw.get("heading", ""),
        lead=raw.get("lead", ""),
        text=raw.get("text", ""),
        systems=systems,
        clauses=clauses,
        insert=raw.get("insert", ""),
        depth=depth,
        parent=parent,
        parts=tuple(_passage(p, systems, clauses, depth + 1, raw["id"]) for p in raw.get("parts", ())),
    )


def _arrival(raw: Data) -> Arrival:
    hours = dt.timedelta(hours=float(raw["hours"])) if "hours" in raw else None
    return Arrival(hours, raw.get("workdays"), raw.get("or_by_agreement", False))


def _level(raw: Data) -> ServiceLevel:
    return ServiceLevel(
        severity=raw["severity"],
        name=raw["name"],
        title=raw["title"],
        means=raw["means"],
        arrive=_arrival(raw["arrive"]),
        clause=raw["clause"],
        quotes=_quotes(raw["quotes"]),
    )


def _obligation(raw: Data) -> Obligation:
    return Obligation(
        id=raw["id"],
        clause=raw["clause"],
        quote=_quote(raw),
        what=raw["what"],
        period=raw["period"],
        party=raw["party"],
        evidence_kind=raw["evidence"]["kind"],
        evidence_label=raw["evidence"]["label"],
        times=raw.get("times", 1),
        trigger=raw.get("trigger", ""),
        systems=tuple(raw.get("systems", ())),
    )


def _rule(raw: Data) -> Rule:
    return Rule(
        id=raw["id"],
        event=raw["event"],
        kind=raw["kind"],
        points=_number(raw.get("points", 0)),
        at_least=_number(raw.get("at_least", 0)),
        beyond_minutes=raw.get("beyond_minutes", 0),
        over_hours=_number(raw["over_hours"]) if "over_hours" in raw else None,
        flat_points=_number(raw.get("flat_points", 0)),
        below_percent=_number(raw["below_percent"]) if "below_percent" in raw else None,
    )


def _item(raw: Data) -> Item:
    return Item(
        id=raw["id"],
        number=raw["number"],
        title=raw["title"],
        criteria=raw["criteria"],
        printed_points=raw["printed_points"],
        points=_number(raw.get("points", 0)),
        reverse=raw.get("reverse", False),
        clauses=tuple(raw["clauses"]),
        rules=tuple(_rule(r) for r in raw["rules"]),
    )


def _scorecard(raw: Data) -> Scorecard:
    ends = raw.get("terminates_after")
    return Scorecard(
        caption=raw["caption"],
        date_line=raw.get("date_line", ""),
        full_marks=_number(raw["full_marks"]["points"]),
        full_marks_quote=_quote(raw["full_marks"]),
        columns=tuple(tuple(c) for c in raw["columns"]),
        items=tuple(_item(i) for i in raw["items"]),
        remarks=tuple(Remark(r["id"], r["number"], r["text"]) for r in raw["remarks"]),
        vetoes=tuple(Veto(v["id"], v["event"], _quote(v)) for v in raw["vetoes"]),
        total_label=raw.get("total_label", ""),
        remarks_label=raw.get("remarks_label", ""),
        overall_label=raw.get("overall_label", ""),
        terminates_after=ends and ends["failed"],
        terminates_quote=ends and _quote(ends),
    )


def _band(raw: Data) -> FeeBand:
    deducts = "deduct_percent" in raw
    return FeeBand(
        quote=_quote(raw),
        of=tuple(raw["of"]),
        percent_paid=100 - _number(raw["deduct_percent"]) if deducts else _number(raw["pay_percent"]),
        states_deduction=deducts,
        low=_number(raw["low"]) if "low" in raw else None,
        low_closed=raw.get("low_closed", False),
        high=_number(raw["high"]) if "high" in raw else None,
        high_closed=raw.get("high_closed", False),
        grade=raw.get("grade", ""),
    )


def _question(raw: Data) -> Question:
    return Question(
        id=raw["id"],
        finds=raw["finds"],
        affects=raw["affects"],
        title=raw["title"],
        readings=tuple(Reading(r["id"], r["label"]) for r in raw["readings"]),
        until_agreed=raw["until_agreed"],
        because=raw["because"],
        statements=tuple(Statement(s["at"], s["words"], s.get("says", "")) for s in raw.get("statements", ())),
        slips=tuple(Slip(s["at"], s["words"], s["likely"]) for s in raw.get("slips", ())),
    )
