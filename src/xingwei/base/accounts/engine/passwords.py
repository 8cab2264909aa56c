"""What makes a password too weak to take. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# No character that can be mistaken for another one when it is read from a slip of paper.
_ALPHABETS: Final = ("ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "#@%+=?")


@dataclass(frozen=True, slots=True)
class Rules:
    """length: least number of characters. classes: of capitals, small letters, digits, others, at least so many."""

    length: int = 8
    classes: int = 3


def classes_of(password: str) -> int:
    """How many of: capital letters, small letters, digits, anything else."""
    found = {
        "upper"
        if c.isascii() and c.isupper()
        else "lower"
        if c.isascii() and c.islower()
        else "digit"
        if c.isascii() and c.isdigit()
        else "other"
        for c in password
    }
    return len(found)


def weaknesses(password: str, rules: Rules, own_words: Iterable[str] = ()) -> list[str]:
    """Chinese sentences, empty for a password that is good enough.

    own_words: what must not be contained: 工号, the name's pinyin, telephone numbers.
    """
    said = []
    if len(password) < rules.length:
        said.append(f"密码至少 {rules.length} 位，现在是 {len(password)} 位")
    if len(password) > 128:
        said.append("密码最多 128 位")
    if classes_of(password) < rules.classes:
        said.append(f"密码要有大写字母、小写字母、数字、符号中的至少 {rules.classes} 类")
    folded = password.casefold()
    if any(len(word) >= 3 and word.casefold() in folded for word in own_words if word):
        said.append("密码里不能有自己的工号、姓名拼音或电话")
    if len(set(password)) < 4 <= rules.length:
        said.append("密码里不同的字符太少")
    return said


def initial() -> str:
    """A random password for a first sign-in: 12 characters, all four classes, easy to read out."""
    picks = [secrets.choice(alphabet) for alphabet in _ALPHABETS]
    everything = "".join(_ALPHABETS[:3])
    picks += [secrets.choice(everything) for _ in range(8)]
    secrets.SystemRandom().shuffle(picks)
    return "".join(picks)
