"""Drawing, ranking, judging, and the quiet week."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.table import Table

from xingwei.operations.watch.engine.triage import Graph, Rule, Verdict, rank
from xingwei.operations.watch.engine.triage.deviation import Window, finding
from xingwei.operations.watch.engine.triage.types import LAYER_OF

from ..frame import REPO, Bench, Outcome, quantile
from .kinds import KINDS
from .scenes import Scene, Truth, draw, scene

LIST = REPO / "watches" / "guangyuan" / "triage" / "responsibility.yaml"


@dataclass(slots=True)
class Score:
    cases: int = 0
    top1: int = 0
    top3: int = 0
    node1: int = 0
    zscore: int = 0
    chance: float = 0.0
    seconds: list[float] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    drawn: Counter[str] = field(default_factory=Counter)
    said: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def the_rules() -> tuple[Rule, ...]:
    from xingwei.operations.watch.responsibility import read

    return read(Path(LIST))


def judge(score: Score, s: Scene, verdict: Verdict, took: float) -> None:
    wanted = {(t.layer, t.party) for t in s.truths}
    named = [(x.layer, x.owner) for x in verdict.suspects]
    hit = bool(named) and not verdict.unknown and named[0] in wanted
    score.cases += 1
    score.top1 += hit
    score.top3 += not verdict.unknown and wanted <= set(named[:3])
    score.node1 += hit and verdict.suspects[0].node.partition(":")[2] in {
        t.node.partition(":")[2] for t in s.truths
    } | {t.node for t in s.truths}
    score.seconds.append(took)
    for t in s.truths[:1]:
        score.drawn[t.code] += 1
        if not hit:
            score.missed[t.code] += 1
            got = "unknown" if verdict.unknown else "/".join(named[0]) if named else "nothing"
            score.said[t.code][got] += 1
    score.zscore += _by_deviation_alone(s) in wanted
    score.chance += _by_chance(s.graph, s.truths)


def _by_deviation_alone(s: Scene) -> tuple[str, str]:
    window = Window(s.at.timestamp())
    found = [f for x in s.series.values() if (f := finding(x, window)) and f.state != "silent"]
    if not found:
        return ("", "")
    node = s.graph.nodes[max(found, key=lambda f: (f.sigma, f.node)).node]
    return (LAYER_OF[str(node.kind)], str(node.owner))


def _by_chance(graph: Graph, truths: list[Truth]) -> float:
    wanted = {(t.layer, t.party) for t in truths}
    fits = sum((LAYER_OF[str(n.kind)], str(n.owner)) in wanted for n in graph.nodes.values())
    people = len({(t.layer, t.party) for t in truths if t.layer in {"客户端", "用户操作"}})
    return (fits + people) / (len(graph.nodes) + 2)


def run(bench: Bench) -> Outcome:
    seed = secrets.randbits(48)
    rounds = 1 if bench.options.quick else 6
    rules = the_rules()
    score = measured(seed, rounds, rules)
    days = 1 if bench.options.quick else 7
    alarms, looks = quiet(seed, days, rules, 30 if bench.options.quick else 15)
    minutes = until_right(seed, rules, 9 if bench.options.quick else 3)
    numbers = {
        "top1": round(score.top1 / score.cases, 4), "top3": round(score.top3 / score.cases, 4),
        "chance_top1": round(score.chance / score.cases, 4), "zscore_top1": round(score.zscore / score.cases, 4),
        "node_top1": round(score.node1 / score.cases, 4), "false_alarms": alarms, "quiet_days": days,
        "onset_to_verdict_minutes": minutes,
        "p95_seconds": round(quantile(score.seconds, 0.95) / 1000, 3), "cases": score.cases, "kinds": len(score.drawn),
        "seed": seed,
    }  # fmt: skip
    table = Table(title=f"定责：{len(score.drawn)} 种故障，{score.cases} 个现场（种子 {seed}）")
    for column in ("", "前一", "前三"):
        table.add_column(column)
    table.add_row("本引擎", f"{numbers['top1']:.1%}", f"{numbers['top3']:.1%}")
    table.add_row("只看偏离", f"{numbers['zscore_top1']:.1%}", "–")
    table.add_row("随机", f"{numbers['chance_top1']:.1%}", "–")
    worst = Table(title="没判中的", show_header=False)
    for code, n in score.missed.most_common(14):
        worst.add_row(
            code, f"{n} / {score.drawn[code]}", "、".join(f"{k} {v}" for k, v in score.said[code].most_common(3))
        )
    notes = [
        f"平静的 {days} 天看了 {looks} 次，误报 {alarms} 次；故障在发生后 4 至 16 分钟（渐变的 30 至 75 分钟）被问起。"
    ]
    return Outcome(numbers, [table, worst], notes)


def measured(seed: int, rounds: int, rules: tuple[Rule, ...]) -> Score:
    """Every kind `rounds` times; one scene in seven holds a second fault."""
    score = Score()
    for n in range(rounds):
        for i, kind in enumerate(KINDS):
            rng = np.random.default_rng([seed, n, i])
            s = draw(rng, kind, bool(rng.random() < 1 / 7))
            began = time.perf_counter()
            verdict = rank(s.graph, s.series, s.events, s.at, rules=rules)
            judge(score, s, verdict, time.perf_counter() - began)
    return score


def until_right(seed: int, rules: tuple[Rule, ...], every: int) -> float:
    """Median of the minutes from the onset of a sudden fault to the first look, minute by minute, that names layer and
    owner rightly; 20 where none does."""
    took: list[float] = []
    for i, kind in list(enumerate(KINDS))[::every]:
        if kind.shape == "ramp" or kind.hours:
            continue
        s = draw(np.random.default_rng([seed, 55, i]), kind, double=False)
        wanted = {(t.layer, t.party) for t in s.truths}
        found = 20.0
        for minute in (1, 2, 3, 4, 6, 8, 11):
            at = s.onset + dt.timedelta(minutes=minute)
            if at > s.at:
                break
            first = rank(s.graph, s.series, s.events, at, rules=rules).first
            if first and (first.layer, first.owner) in wanted:
                found = float(minute)
                break
        took.append(found)
    return float(np.median(took))


def quiet(seed: int, days: int, rules: tuple[Rule, ...], every: int) -> tuple[int, int]:
    """Days without faults, looked at every so many minutes; an alarm that stays is one alarm."""
    alarms = looks = 0
    before: set[str] = set()
    for look in range(days * 1440 // every):
        rng = np.random.default_rng([seed, 77, look])
        s = scene(rng, (), at=dt.datetime(2026, 5, 11, tzinfo=dt.UTC) + dt.timedelta(minutes=every * look))
        verdict = rank(s.graph, s.series, s.events, s.at, rules=rules)
        firm = {verdict.suspects[0].node} if verdict.firm else set()
        alarms += bool(firm - before)
        before, looks = firm, looks + 1
    return alarms, looks
