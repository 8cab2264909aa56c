"""Kinds, states and moves, read from data; which moves a person has, and why one is refused. Pure.

A move is offered when its kind has it in the present state and the person's roles allow it. It may still be
refused by a guard (an answer that is missing, a consent of the other side) or by an empty field; the refusal is
a Chinese sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Category = Literal["new", "open", "waiting", "answered", "resolved", "closed"]
ASKER = "asker"

# A guard holds when its fact is there; the sentence says what is missing.
GUARDS: dict[str, str] = {
    "answered": "还没有书面答复。受理与不受理都要先答复提出人（条款 1.3、1.5）",
    "both_agreed": "还差一方同意。缺陷须医院与服务商协商一致后才转研发（条款 1.5）",
    "plan_agreed": "方案还没有经医院与服务商双方认可（条款 1.4）",
    "by_agreement": "一、二级故障的到场时限由合同规定，不能另行约定（条款 9.2b）",
    "feedback": "原因未查明或未彻底解决，须先出具正式书面反馈（条款 9.7）",
}


class WorkflowError(ValueError):
    """kinds.yaml contradicts itself; the message names the place."""


class MoveRefused(ValueError):
    """The move cannot be made; str() is the Chinese reason."""


@dataclass(frozen=True, slots=True)
class State:
    key: str
    label: str
    category: Category
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Field:
    """type: text, long, datetime, date, choice or bool. choices names a list that the form fills."""

    key: str
    label: str
    type: str
    hint: str = ""
    choices: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """to None: the state stays. event: what the clocks and the timeline hear. answers: verdict of the Answer that
    the move writes; consents: subject to which it records one side's consent; waiting: whom the case waits for."""

    key: str
    label: str
    icon: str
    by: tuple[str, ...]
    origins: frozenset[str]
    to: str | None
    event: str
    needs: tuple[Field, ...] = ()
    may: tuple[Field, ...] = ()
    guards: tuple[str, ...] = ()
    answers: str = ""
    consents: str = ""
    waiting: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.needs + self.may


@dataclass(frozen=True, slots=True)
class Kind:
    key: str
    label: str
    icon: str
    graded: bool
    start: str
    states: Mapping[str, State]
    moves: Mapping[str, Move]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the workflow must know of a case. facts: the guards that hold."""

    kind: str
    state: str
    facts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mover:
    """Who wants to move it. asker: this person reported or registered the case."""

    roles: frozenset[str]
    asker: bool = False
    system: bool = False


class Workflow:
    """All kinds. Build it with `load`."""

    def __init__(self, kinds: Mapping[str, Kind], groups: Mapping[str, frozenset[str]]) -> None:
        self.kinds = kinds
        self._groups = groups

    def moves_for(self, case: CaseFacts, mover: Mover) -> list[Move]:
        """The moves offered, in the order of the data."""
        return [
            move
            for move in self.kinds[case.kind].moves.values()
            if case.state in move.origins and self._may(move, mover)
        ]

    def check(self, case: CaseFacts, move_key: str, mover: Mover, values: Mapping[str, Any]) -> Move:
        """The move, if it can be made with these values now; raises MoveRefused otherwise."""
        kind = self.kinds[case.kind]
        move = kind.moves.get(move_key)
        if move is None:
            raise MoveRefused(f"{kind.label}没有这一步")
        if case.state not in move.origins:
            raise MoveRefused(f"现在是“{kind.states[case.state].label}”，不能“{move.label}”")
        if not self._may(move, mover):
            raise MoveRefused(f"您的角色不能“{move.label}”")
        for guard in move.guards:
            if guard not in case.facts:
                raise MoveRefused(GUARDS[guard])
        missing = [f.label for f in move.needs if not _filled(values.get(f.key))]
        if missing:
            raise MoveRefused(f"请填写：{'、'.join(missing)}")
        return move

    def _may(self, move: Move, mover: Mover) -> bool:
        if mover.system:
            return True
        if mover.asker and ASKER in move.by:
            return True
        return any(mover.roles & self._groups[word] for word in move.by if word != ASKER)


def load(data: Mapping[str, Any], *, roles: frozenset[str] | None = None) -> Workflow:
    """Build from the parsed kinds.yaml; raises WorkflowError where it is wrong.

    roles: the roles that exist; given, a group with an unknown one is an error.
    """
    groups = {name: frozenset(members) for name, members in data["groups"].items()}
    if roles is not None:
        for name, members in groups.items():
            if unknown := members - roles:
                raise WorkflowError(f"groups.{name}：没有角色 {'、'.join(sorted(unknown))}")
    fields = {key: Field(key=key, **spec) for key, spec in data["fields"].items()}
    kinds = {key: _kind(key, spec, data["moves"], fields, groups) for key, spec in data["kinds"].items()}
    return Workflow(kinds, groups)


def _kind(
    key: str,
    spec: Mapping[str, Any],
    shared: Mapping[str, Any],
    fields: Mapping[str, Field],
    groups: Mapping[str, frozenset[str]],
) -> Kind:
    states = {name: State(key=name, **s) for name, s in spec["states"].items()}
    moves = {}
    for name, local in spec["moves"].items():
        where = f"kinds.{key}.moves.{name}"
        if name not in shared:
            raise WorkflowError(f"{where}：moves 里没有 {name}")
        moves[name] = _move(where, name, {**shared[name], **local}, shared[name], fields, groups)
        for state in [*moves[name].origins, *filter(None, [moves[name].to])]:
            if state not in states:
                raise WorkflowError(f"{where}：没有状态 {state}")
    if spec["start"] not in states:
        raise WorkflowError(f"kinds.{key}：没有起始状态 {spec['start']}")
    return Kind(key, spec["label"], spec["icon"], spec.get("graded", False), spec["start"], states, moves)


def _move(
    where: str,
    name: str,
    spec: Mapping[str, Any],
    shared: Mapping[str, Any],
    fields: Mapping[str, Field],
    groups: Mapping[str, frozenset[str]],
) -> Move:
    for word in spec["by"]:
        if word != ASKER and word not in groups:
            raise WorkflowError(f"{where}：没有人群 {word}")
    guards = (*shared.get("guards", ()), *(g for g in spec.get("guards", ()) if g not in shared.get("guards", ())))
    for guard in guards:
        if guard not in GUARDS:
            raise WorkflowError(f"{where}：没有条件 {guard}")
    try:
        needs = tuple(fields[f] for f in spec.get("needs", ()))
        may = tuple(fields[f] for f in spec.get("may", ()))
    except KeyError as missing:
        raise WorkflowError(f"{where}：没有字段 {missing}") from None
    return Move(
        key=name,
        label=spec["label"],
        icon=spec["icon"],
        by=tuple(spec["by"]),
        origins=frozenset(spec["from"]),
        to=spec.get("to"),
        event=spec["event"],
        needs=needs,
        may=may,
        guards=guards,
        answers=spec.get("answers", ""),
        consents=spec.get("consents", ""),
        waiting=spec.get("waiting", ""),
    )


def _filled(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None
