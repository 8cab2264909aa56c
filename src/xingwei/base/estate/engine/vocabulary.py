"""Which system, subsystem, function or interface the words of a telephone call mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xingwei.base.ui.grams import normal

_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Term:
    """One word and what it means, in codes. window: the function of a window department."""

    term: str
    system: str
    subsystem: str = ""
    function: str = ""
    interface: str = ""
    window: bool = False
    component: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A word found in a text: where it begins in the text without spaces, and all that it may mean."""

    word: str
    at: int
    terms: tuple[Term, ...]


class Vocabulary:
    """All terms, ready to be found in a text; the longest word wins, words do not overlap."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._words: dict[str, list[Term]] = {}
        for term in terms:
            word = _squeezed(term.term)
            if len(word) >= _SHORTEST and term not in self._words.setdefault(word, []):
                self._words[word].append(term)
        self._longest = max(map(len, self._words), default=0)

    def __len__(self) -> int:
        return len(self._words)

    def find(self, text: str) -> list[Hit]:
        """The known words of the text in their order. Latin words count only as whole words (HIS, not tHIS)."""
        plain = _squeezed(text)
        hits: list[Hit] = []
        at = 0
        while at < len(plain):
            word = self._word_at(plain, at)
            if word:
                hits.append(Hit(word, at, tuple(self._words[word])))
                at += len(word)
            else:
                at += 1
        return hits

    def _word_at(self, plain: str, at: int) -> str:
        for length in range(min(self._longest, len(plain) - at), _SHORTEST - 1, -1):
            word = plain[at : at + length]
            if word in self._words and not (_joined(plain, at) or _joined(plain, at + length)):
                return word
        return ""


def _joined(plain: str, at: int) -> bool:
    """Whether the place lies inside a run of Latin letters or digits."""
    return 0 < at < len(plain) and _latin(plain[at - 1]) and _latin(plain[at])


def _latin(c: str) -> bool:
    return c.isascii() and c.isalnum()


def _squeezed(text: str) -> str:
    """Compatibility form, lower case; spaces between Chinese characters go, those between Latin words stay one."""
    out: list[str] = []
    for c in normal(text):
        if not c.isspace():
            if out and out[-1] == " " and not (len(out) > 1 and _latin(out[-2]) and _latin(c)):
                out.pop()
            out.append(c)
        elif out and out[-1] != " ":
            out.append(" ")
    return "".join(out).strip()
