"""What people of a hospital write: the demonstration's scenarios, told with other windows, drugs, devices and names.

The words follow Zipf's law as words do: a few stand in every tenth case, most in one of many thousands, some in none.
Deterministic: the same random source gives the same text.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, product
from pathlib import Path
from random import Random

import yaml

SCENARIOS = Path(__file__).resolve().parents[1] / "src" / "xingwei" / "web" / "demo" / "scenarios.tsv"
WORDS = Path(__file__).with_name("words.yaml")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Scenario:
    kind: str
    system: str
    department: str
    severity: int
    title: str
    words: str
    party: str
    cause: str
    solution: str


@dataclass(frozen=True, slots=True)
class Told:
    """One case's words."""

    title: str
    description: str
    tried: str
    cause: str
    solution: str
    tags: tuple[str, ...]


@cache
def scenarios() -> dict[str, list[Scenario]]:
    """By kind."""
    found: dict[str, list[Scenario]] = {}
    with SCENARIOS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            values = {k: (v or "").strip() for k, v in row.items()}
            found.setdefault(values["kind"], []).append(Scenario(**{**values, "severity": int(values["severity"])}))
    return found


class Zipf:
    """Draws from a list; the n-th is drawn in proportion to 1 / (n + 2)."""

    def __init__(self, items: list[str]) -> None:
        self.items = items
        self._weights = list(accumulate(1 / (n + 2) for n in range(len(items))))

    def draw(self, random: Random) -> str:
        return random.choices(self.items, cum_weights=self._weights)[0]


@dataclass(frozen=True, slots=True)
class Words:
    """words.yaml, ready to draw from."""

    drugs: Zipf
    surnames: Zipf
    given: Zipf
    devices: Zipf
    remarks: Zipf
    places: list[str]
    when: list[str]
    done: list[str]
    tags: list[str]
    absent: list[str]


@cache
def words() -> Words:
    lists = {key: text.split() for key, text in yaml.safe_load(WORDS.read_text(encoding="utf-8")).items()}
    drugs = ["".join(pair) for pair in product(lists.pop("stems"), lists.pop("endings"))]
    Random(7).shuffle(drugs)
    drawn = {key: Zipf(lists.pop(key)) for key in ("surnames", "given", "devices", "remarks")}
    return Words(drugs=Zipf(drugs), **drawn, **lists)


def name(random: Random) -> str:
    """A person's name of two or three characters."""
    given = words().given
    return words().surnames.draw(random) + "".join(given.draw(random) for _ in range(1 + (random.random() < 0.7)))


def tell(random: Random, scenario: Scenario, place: str) -> Told:
    """The scenario as it happened this time."""
    known = words()

    def renumbered(text: str) -> str:
        return _NUMBER.sub(lambda m: str(random.randrange(1, 10 ** len(m[0]))) if len(m[0]) < 4 else m[0], text)

    title = renumbered(scenario.title)
    if random.random() < 0.35:
        title = f"{place}{title}" if random.random() < 0.5 else f"{title}（{known.devices.draw(random)}）"
    said = [renumbered(scenario.words)]
    if random.random() < 0.8:
        said.insert(0, f"{random.choice(known.when)}{random.choice(known.places)}")
    said += [known.remarks.draw(random) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    if random.random() < 0.3:
        said.append(f"涉及{known.drugs.draw(random)}")
    if random.random() < 0.25:
        said.append(f"{known.devices.draw(random)}编号{random.randrange(100, 99999)}")
    if random.random() < 0.2:
        said.append(f"找{name(random)}核实")
    if random.random() < 0.12:
        said.append(f"错误码{random.randrange(1000, 9999)}")
    tried = f"信息科已试：{known.remarks.draw(random)}" if random.random() < 0.25 else ""
    cause = renumbered(scenario.cause)
    solution = "，".join([renumbered(scenario.solution), random.choice(known.done)])
    if random.random() < 0.15:
        solution += f"，经手{name(random)}"
    tags = tuple(sorted(set(random.choices(known.tags, k=random.choice((0, 0, 0, 1, 2))))))
    return Told(title[:120], "，".join(said) + "。", tried, cause, solution, tags)


def rare_words() -> list[str]:
    """Drugs far down the list: each in few cases."""
    return words().drugs.items[-200:]


def middle_words() -> list[str]:
    return words().drugs.items[20:60]
