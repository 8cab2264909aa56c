"""Two files held against each other, from the command alone. Needs nothing of the product."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import paper
from .engine import BadInput, Source, Spec, SpecProblem, propose, run
from .engine.propose import Proposal, chosen

_CODES = {"balanced": 0, "differences": 1, "incomplete": 2}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person said; what is empty is proposed. spec: a file with everything."""

    keys: tuple[str, ...] = ()
    amount: str = ""
    day: str = ""
    groups: tuple[str, ...] = ()
    tolerance: str = ""
    cap: str = ""
    spec: Path | None = None


def files(left: Path, right: Path, out: Path, asked: Asked) -> tuple[list[str], int]:
    """→ what to say, and the exit code. Raises BadInput, SpecProblem."""
    given = (Source((left,)), Source((right,)))
    work = out / "work"
    said: list[str] = []
    if asked.spec:
        spec = Spec.read(_document(asked.spec))
        if len(spec.sides) != 2:
            raise SpecProblem("用文件对账的方案要恰好两方。")
    else:
        proposal = propose(*given, work, (left.name, right.name) if left.name != right.name else ("左侧", "右侧"))
        spec = Spec.read(_filled(proposal, asked))
        pair = spec.pairs[0]
        used = [spec.fields[f].title for k in pair.keys for f in k.fields]
        said.append(f"用“{'”“'.join(used)}”对，金额是“{spec.fields[pair.amount].title}”")
    outcome = run(spec, {side.name: source for side, source in zip(spec.sides, given, strict=True)}, work)
    (out / "differences.parquet").write_bytes(outcome.differences.read_bytes())
    made = paper.save(outcome, spec, out)
    _tidy(work)
    names = "、".join([*(p.name for p in made), "differences.parquet"])
    return [*paper.summary(outcome, spec), *said, f"写在 {out}：{names}"], _CODES[outcome.verdict]


def _filled(proposal: Proposal, asked: Asked) -> dict[str, Any]:
    return proposal.document(
        keys=[chosen(proposal, "text", k) for k in asked.keys] or None,
        amount=chosen(proposal, "money", asked.amount) if asked.amount else None,
        day=chosen(proposal, "time", asked.day) if asked.day else None,
        groups=[chosen(proposal, "text", g) for g in asked.groups] or None,
        tolerance=asked.tolerance,
        cap=asked.cap,
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"方案 {path.name} 读不出来：{error}") from error
    if not isinstance(found, dict):
        raise BadInput(f"方案 {path.name} 应是一个键值结构。")
    return found


def _tidy(work: Path) -> None:
    import shutil

    shutil.rmtree(work, ignore_errors=True)
