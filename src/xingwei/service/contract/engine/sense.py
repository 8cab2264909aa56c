"""What no schema can say: ids that are unique, references that lead somewhere, quotations that are exact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xingwei.base.ui.datafiles import Path, Problem

from .model import Contract
from .readings import KNOWN


def problems(contract: Contract, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Every problem, each at its path in the document."""
    yield from _passages(contract, data["passages"], ("passages",), "", set())
    yield from _unique(data)
    yield from _quotes(contract, data, ())
    yield from _references(contract, data, ())
    yield from _questions(data)
    yield from _bands(contract)
    yield from _patterns(data)
    for i, item in enumerate(contract.scorecard.items):
        for j, rule in enumerate(item.rules):
            if not rule.id.startswith(f"{item.id}."):
                path = ("scorecard", "items", i, "rules", j, "id")
                yield Problem(f"“{rule.id}”应以 {item.id}. 开头", path)


def _passages(
    contract: Contract, passages: Sequence[Mapping[str, Any]], path: Path, parent: str, seen: set[str]
) -> Iterator[Problem]:
    for i, passage in enumerate(passages):
        here, ident = (*path, i), str(passage["id"])
        if ident in seen:
            yield Problem(f"条目号 {ident} 重复", (*here, "id"))
        seen.add(ident)
        if parent and not ident.startswith(parent):
            yield Problem(f"条目号 {ident} 应以上级的 {parent} 开头", (*here, "id"))
        if "heading" in passage and "lead" in passage:
            yield Problem("heading 与 lead 只能写其一", here)
        if "heading" not in passage and "text" not in passage:
            yield Problem("没有文字：heading 与 text 至少写一项", here)
        yield from _passages(contract, passage.get("parts", ()), (*here, "parts"), ident, seen)


def _unique(data: Mapping[str, Any]) -> Iterator[Problem]:
    lists: list[tuple[Path, str]] = [
        (("systems",), "code"),
        (("obligations",), "id"),
        (("questions",), "id"),
        (("scorecard", "items"), "id"),
        (("scorecard", "remarks"), "id"),
        (("scorecard", "vetoes"), "id"),
        (("service_levels", "severities"), "severity"),
        (("fee", "tables"), "id"),
    ]
    lists += [(("scorecard", "items", i, "rules"), "id") for i in range(len(data["scorecard"]["items"]))]
    for path, key in lists:
        value: Any = data
        for step in path:
            value = value[step] if isinstance(step, int) else value.get(step, ())
        seen = set()
        for i, entry in enumerate(value):
            if entry[key] in seen:
                yield Problem(f"“{entry[key]}”重复", (*path, i, key))
            seen.add(entry[key])


def _quotes(contract: Contract, value: Any, path: Path) -> Iterator[Problem]:
    """Every {at, words} of the document must be found there, character for character."""
    if isinstance(value, Mapping):
        if "at" in value and "words" in value:
            text = contract.words.get(value["at"])
            if text is None:
                yield Problem(f"没有条目 {value['at']}", (*path, "at"))
            elif value["words"] not in text:
                yield Problem(f"条目 {value['at']} 中没有“{value['words'][:40]}”", (*path, "words"))
        for key, item in value.items():
            yield from _quotes(contract, item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _quotes(contract, item, (*path, i))


def _references(contract: Contract, value: Any, path: Path) -> Iterator[Problem]:
    """Clauses are those of clauses.tsv, systems those of the contract."""
    codes = {s.code for s in contract.systems}
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = (*path, key)
            if key == "clauses" or (key == "clause" and path):
                for number in item if isinstance(item, list) else [item]:
                    if number not in contract.clause_by_id:
                        yield Problem(f"clauses.tsv 中没有条款 {number}", here)
            elif key == "systems" and path:
                for code in item:
                    if code not in codes:
                        yield Problem(f"没有系统 {code}", here)
            else:
                yield from _references(contract, item, here)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _references(contract, item, (*path, i))


def _questions(data: Mapping[str, Any]) -> Iterator[Problem]:
    for i, question in enumerate(data.get("questions", ())):
        offered = [r["id"] for r in question["readings"]]
        if question["until_agreed"] not in offered:
            yield Problem(f"until_agreed 不在 readings 之中：{'、'.join(offered)}", ("questions", i, "until_agreed"))
        for j, reading in enumerate(offered):
            known = KNOWN.get(question["id"])
            if known and reading not in known:
                path = ("questions", i, "readings", j, "id")
                yield Problem(f"“{reading}”不是能据以计算的读法，能算的是：{'、'.join(known)}", path)


def _bands(contract: Contract) -> Iterator[Problem]:
    for i, table in enumerate(contract.fee_tables):
        for j, band in enumerate(table.bands):
            path = ("fee", "tables", i, "bands", j)
            if band.low is None and band.high is None:
                yield Problem("low 与 high 至少写一项", path)
            if band.low is not None and band.high is not None and band.low > band.high:
                yield Problem(f"low {band.low} 大于 high {band.high}", path)


def _patterns(data: Mapping[str, Any]) -> Iterator[Problem]:
    for i, entry in enumerate(data.get("own_names", ())):
        path = ("own_names", i, "pattern")
        try:
            if "name" not in re.compile(entry["pattern"]).groupindex:
                yield Problem("模式中应有名为 name 的组：(?P<name>…)", path)
        except re.error as error:
            yield Problem(f"不是正确的正则表达式（{error}）", path)
