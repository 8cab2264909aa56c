"""The words that the search is measured with, by length and by how many cases hold them: taken from the data itself."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from . import texts

SAMPLE = 20_000
EACH = 12
COMMON_2, MIDDLE_3, RARE_4, ABSENT_3 = "两字·常见", "三字·中频", "四字·少见", "三字·没有"
_CHINESE = re.compile(r"[一-鿿]+")
# share of the cases that hold the word, from and to; rare and absent ones are counted exactly
_COMMON, _MIDDLE = (0.02, 1.0), (0.001, 0.01)
_RARE_AT_MOST = 50


def read(rows: int) -> dict[str, list[str]]:
    """Name → words. Sampled by what stands in the cases, the rare and absent ones then counted in all of them."""
    from django.db import connection

    random = Random(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(case_id) FROM desk_casetext")
        newest = cursor.fetchone()[0]
        wanted = random.sample(range(1, newest + 1), min(SAMPLE, newest))
        cursor.execute("SELECT text FROM desk_casetext WHERE case_id = ANY(%s)", [wanted])
        seen = [text for (text,) in cursor.fetchall()]
    out: dict[str, list[str]] = {}
    for length, name in ((2, "两字"), (3, "三字"), (4, "四字")):
        share = {word: n / len(seen) for word, n in _count(seen, length).items()}
        for label, (low, high) in (("常见", _COMMON), ("中频", _MIDDLE)):
            chosen = sorted(w for w, s in share.items() if low <= s < high)
            out[f"{name}·{label}"] = random.sample(chosen, min(EACH, len(chosen)))
        out[f"{name}·少见"] = _exact(random, _drawn_rarely(share, length), low=1, high=_RARE_AT_MOST)
        out[f"{name}·没有"] = _exact(random, _strung_together(random, share, length), low=0, high=0)
    out["没有，字也没有"] = [w for w in texts.words().absent if len(w) <= 4]
    return {name: words for name, words in out.items() if words}


def _count(seen: list[str], length: int) -> Counter[str]:
    """In how many of the texts each word stands."""
    counted: Counter[str] = Counter()
    for text in seen:
        counted.update({run[i : i + length] for run in _CHINESE.findall(text) for i in range(len(run) - length + 1)})
    return counted


def _drawn_rarely(share: dict[str, float], length: int) -> list[str]:
    """Candidates for rare words: of what was seen, the least seen; and the drugs that hardly anyone writes."""
    least = sorted(share, key=lambda w: (share[w], w))[:400]
    return [w for w in texts.rare_words() if len(w) == length] + least


def _strung_together(random: Random, share: dict[str, float], length: int) -> list[str]:
    """Candidates for absent words, the hardest ones: each pair of their characters is common, the word is not there."""
    common = sorted(w for w, s in share.items() if s >= _MIDDLE[0])
    tails: dict[str, list[str]] = {}
    for word in common:
        tails.setdefault(word[0], []).append(word)
    made = []
    for _ in range(4_000):
        word = random.choice(common)
        following = tails.get(word[-1])
        if following:
            cut = random.randrange(1, length)
            made.append((word + random.choice(following)[1:])[cut : cut + length])
    return list(dict.fromkeys(w for w in made if len(w) == length))


def _exact(random: Random, candidates: list[str], *, low: int, high: int) -> list[str]:
    """Those that stand in so many cases."""
    from xingwei.service.desk.models import Case
    from xingwei.service.desk.queries.search import search

    random.shuffle(candidates)
    found = []
    for word in candidates[:150]:
        if low <= search(Case.objects.all(), word)[: high + 1].count() <= high:
            found.append(word)
            if len(found) == EACH:
                break
    return found
