"""Contradictions that reading finds: numbers skipped, names that differ, items that some systems lack."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from .facts import Cited, Fact
from .model import Contract, Passage, Question

_CHINESE = "一二三四五六七八九十"
_STYLES = {  # how numbers are printed: 一、 （一） 1、 1.
    "chapter": re.compile(rf"([{_CHINESE}]+)、"),
    "bracket": re.compile(rf"（([{_CHINESE}]+)）"),
    "item": re.compile(r"(\d+)、"),
    "point": re.compile(r"(\d+)\.\s*"),
}


def system_count(contract: Contract) -> Iterator[Fact]:
    """How many systems the title says, and how many the text lists."""
    if contract.claims_systems is None or contract.claims_quote is None:
        return
    systems = [s for s in contract.systems if s.kind == "system"]
    interfaces = [s for s in contract.systems if s.kind == "interface"]
    if contract.claims_systems == len(contract.systems):
        return
    quote = contract.claims_quote
    named = f"{len(systems)} 个系统（{'、'.join(s.name for s in systems)}）"
    also = f"和 {len(interfaces)} 类接口（{'、'.join(s.name for s in interfaces)}）" if interfaces else ""
    chapters = [
        Cited(p.id, p.lines[0]) for p in contract.walk() if len(p.systems) == 1 and not _above(contract, p).systems
    ]
    yield Fact(
        f"标题写“{quote.words}”，正文列出 {named}{also}，共 {len(contract.systems)} 项",
        (Cited(quote.at, quote.words, f"{contract.claims_systems} 套"), *chapters),
    )


def missing_items(contract: Contract) -> Iterator[Fact]:
    """An item that most systems have and a few lack: do these go without it?"""
    systems = [s for s in contract.systems if s.kind == "system"]
    chapter = {code: p for p in contract.passages for code in p.systems}
    for clause in contract.clauses:
        where: dict[str, Passage] = {}
        for passage in contract.walk():
            if clause.id in passage.clauses:
                for code in passage.systems:
                    where.setdefault(code, passage)
        having = [s for s in systems if s.code in where]
        lacking = [s for s in systems if s.code not in where and s.code in chapter]
        if not lacking or len(having) * 2 <= len(systems):
            continue
        title = clause.title.partition("（")[0]
        first = where[having[0].code]
        quotes = [Cited(first.id, first.lines[0], f"{having[0].name}写了")]
        quotes += [Cited(chapter[s.code].id, chapter[s.code].words, f"{s.name}没有写") for s in lacking]
        names = "、".join(s.name for s in lacking)
        yield Fact(f"“{title}”（条款 {clause.id}）：{len(having)} 个系统写了，{names}没有写", tuple(quotes))


def foreign_names(contract: Contract) -> Iterator[Fact]:
    """A chapter that names another chapter's product where it should name its own."""
    names = {name: s for s in contract.systems for name in s.names}
    for own in contract.own_names:
        pattern = re.compile(own.pattern)
        for passage in contract.walk():
            if len(passage.systems) != 1:
                continue
            for match in pattern.finditer(passage.words):
                other = names.get(match["name"])
                if other is not None and other.code != passage.systems[0]:
                    mine = next(s for s in contract.systems if s.code == passage.systems[0])
                    what = f"{mine.name}的条文写成了“{match['name']}”（{own.about}）"
                    yield Fact(what, (Cited(passage.id, match[0], what),))


def numbering(contract: Contract) -> Iterator[Fact]:
    """Numbers that skip, repeat or change their style among the items of one list."""
    yield from _numbers(contract.passages, "全文")
    for passage in contract.walk():
        if passage.parts:
            yield from _numbers(passage.parts, passage.words.split("\n")[0])


def party_names(contract: Contract) -> Iterator[Fact]:
    """One party that the text calls by several names."""
    for party in contract.parties:
        yield from _names(contract, party.names, {"hospital": "医院一方", "vendor": "运维一方"}[party.key])


def system_names(contract: Contract) -> Iterator[Fact]:
    """One system that the text calls by several names."""
    for system in contract.systems:
        yield from _names(contract, system.names, system.name)


def conflict(question: Question) -> Iterator[Fact]:
    """Statements of one subject that say different things."""
    said = list(dict.fromkeys(s.says for s in question.statements))
    if len(said) > 1:
        quotes = tuple(Cited(s.at, s.words, s.says) for s in question.statements)
        yield Fact(f"{len(question.statements)} 处条文有 {len(said)} 种写法：{'；'.join(said)}", quotes)


def undefined(question: Question) -> Iterator[Fact]:
    """Words that the text uses and nowhere defines."""
    yield Fact("条文没有写明", tuple(Cited(s.at, s.words, s.says) for s in question.statements))


def slips(contract: Contract, question: Question) -> Iterator[Fact]:
    """Slips of the pen, each with every place where it stands."""
    for slip in question.slips:
        places = [at for at, words in contract.words.items() if slip.words in words]
        where = f"，共 {len(places)} 处" if len(places) > 1 else ""
        what = f"“{slip.words}”疑为“{slip.likely}”{where}"
        yield Fact(what, tuple(Cited(at, slip.words, slip.likely) for at in places))


def _above(contract: Contract, passage: Passage) -> Passage:
    return contract.by_id.get(passage.parent, Passage(""))


def _numbers(passages: Sequence[Passage], where: str) -> Iterator[Fact]:
    """Complaints about the printed numbers of one list."""
    before: tuple[str, int, Passage] | None = None
    for passage in passages:
        style, n = _parse(passage.number)
        if not style:
            continue
        if said := _odd(before, style, n):
            quotes = (_head(before[2]), _head(passage)) if before else (_head(passage),)
            yield Fact(f"{where}：{said}", quotes)
        before = style, n, passage


def _odd(before: tuple[str, int, Passage] | None, style: str, n: int) -> str:
    """What is wrong with a number after the one before it; "" for nothing."""
    last_style, last = before[:2] if before else (style, 0)
    if style != last_style:
        return "编号换了写法，又从头数起" if n == 1 else "编号换了写法"
    if n == last:
        return f"编号 {n} 重复"
    if n < last:
        return f"编号从 {last} 退回 {n}"
    skipped = "、".join(str(x) for x in range(last + 1, n))
    return f"编号跳过了 {skipped}" if skipped else ""


def _parse(number: str) -> tuple[str, int]:
    for style, pattern in _STYLES.items():
        if match := pattern.fullmatch(number):
            return style, int(match[1]) if match[1].isdigit() else _chinese(match[1])
    return "", 0


def _chinese(text: str) -> int:
    """一 to 九十九."""
    tens, ten, ones = text.partition("十")
    if not ten:
        return _CHINESE.index(text) + 1
    return 10 * (_CHINESE.index(tens) + 1 if tens else 1) + (_CHINESE.index(ones) + 1 if ones else 0)


def _head(passage: Passage) -> Cited:
    return Cited(passage.id, passage.lines[0])


def _names(contract: Contract, names: Iterable[str], who: str) -> Iterator[Fact]:
    """Counts each name, the longest first, so that 运维服务商公司 is not also 运维服务商."""
    pattern = re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)))
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for at, words in contract.words.items():
        for name in pattern.findall(words):
            counts[name] += 1
            first.setdefault(name, at)
    if len(counts) > 1:
        listed = "、".join(f"{name}（{n} 次）" for name, n in counts.most_common())
        quotes = tuple(Cited(first[name], name, f"{counts[name]} 次") for name in counts)
        yield Fact(f"{who}有 {len(counts)} 个称呼：{listed}", quotes)
