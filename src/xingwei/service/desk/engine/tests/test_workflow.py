"""The rules of the contract hold on every path that the data allow, not only on those somebody thought of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xingwei.service.desk.engine.workflow import (
    GUARDS,
    CaseFacts,
    Mover,
    MoveRefused,
    Workflow,
    WorkflowError,
    load,
)

DATA = yaml.safe_load((Path(__file__).parents[2] / "data" / "kinds.yaml").read_text(encoding="utf-8"))
ROLES = frozenset(yaml.safe_load((Path(__file__).parents[4] / "base/policy/roles.yaml").read_text(encoding="utf-8")))
FLOW = load(DATA, roles=ROLES)
ANYONE = Mover(ROLES, asker=True)
VALUES = dict.fromkeys(DATA["fields"], "已填")


def _reached(flow: Workflow, kind: str, *, facts: frozenset[str] = frozenset(GUARDS)) -> set[str]:
    seen, todo = set(), [flow.kinds[kind].start, *(["it_first"] if "it_first" in flow.kinds[kind].states else [])]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        for move in flow.moves_for(CaseFacts(kind, state), ANYONE):
            if move.to and set(move.guards) <= facts:
                todo.append(move.to)
    return seen


@pytest.mark.parametrize("kind", FLOW.kinds)
def test_every_state_is_reached_and_none_is_a_dead_end(kind: str) -> None:
    assert _reached(FLOW, kind) == set(FLOW.kinds[kind].states)
    for state in FLOW.kinds[kind].states:
        assert any(m.to not in (None, state) for m in FLOW.moves_for(CaseFacts(kind, state), ANYONE)), state


@pytest.mark.clause("1.3", "1.5")
@pytest.mark.parametrize("kind", ["requirement", "defect"])
@given(data=st.data())
def test_no_path_closes_a_requirement_or_defect_without_an_answer(kind: str, data: Any) -> None:
    """Random walks of real moves: facts come only from the moves that were made."""
    state, facts, consents = FLOW.kinds[kind].start, {"feedback"}, set()
    for _ in range(14):
        moves = FLOW.moves_for(CaseFacts(kind, state, frozenset(facts)), ANYONE)
        possible = [m for m in moves if set(m.guards) <= facts]
        move = data.draw(st.sampled_from(possible))
        FLOW.check(CaseFacts(kind, state, frozenset(facts)), move.key, ANYONE, VALUES)
        if move.answers:
            facts.add("answered")
        if move.consents:
            consents.add(data.draw(st.sampled_from(["hospital", "vendor"])))
            facts |= {"both_agreed"} if consents == {"hospital", "vendor"} else set()
        state = move.to or state
        if FLOW.kinds[kind].states[state].category == "closed":
            assert "answered" in facts
        if kind == "defect" and state == "rd":
            assert consents == {"hospital", "vendor"}


@pytest.mark.clause("9.7")
def test_it_hands_over_only_with_what_it_tried() -> None:
    facts = CaseFacts("incident", "it_first")
    it = Mover(frozenset({"it_staff"}))
    with pytest.raises(MoveRefused, match="信息科先行诊断做了什么"):
        FLOW.check(facts, "hand_over", it, {"tried": "  "})
    assert FLOW.check(facts, "hand_over", it, {"tried": "重启无效"}).to == "new"
    with pytest.raises(MoveRefused, match="您的角色不能"):
        FLOW.check(facts, "hand_over", Mover(frozenset({"onsite_engineer"})), {"tried": "x"})


@pytest.mark.clause("9.7")
def test_a_half_solved_fault_is_not_confirmed_without_the_written_feedback() -> None:
    asker = Mover(frozenset({"reporter"}), asker=True)
    with pytest.raises(MoveRefused, match="正式书面反馈"):
        FLOW.check(CaseFacts("incident", "resolved"), "confirm", asker, {})
    assert FLOW.check(CaseFacts("incident", "resolved", frozenset({"feedback"})), "confirm", asker, {}).to == "closed"


@pytest.mark.clause("1.5")
def test_only_each_side_for_itself_agrees_to_a_defect() -> None:
    facts = CaseFacts("defect", "assessing")
    for role in ("service_manager", "it_head"):
        assert FLOW.check(facts, "agree", Mover(frozenset({role})), {}).consents == "rd"
    with pytest.raises(MoveRefused, match="您的角色不能"):
        FLOW.check(facts, "agree", Mover(frozenset({"reporter"}), asker=True), {})
    with pytest.raises(MoveRefused, match="还差一方同意"):
        FLOW.check(facts, "to_rd", Mover(frozenset({"service_manager"})), {"planned": "3.2.8"})


def test_a_stranger_does_not_confirm_what_another_reported() -> None:
    with pytest.raises(MoveRefused, match="您的角色不能"):
        FLOW.check(
            CaseFacts("incident", "resolved", frozenset({"feedback"})), "confirm", Mover(frozenset({"reporter"})), {}
        )


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("groups", "it"), ["nobody"], "没有角色 nobody"),
        (("kinds", "other", "start"), "nowhere", "没有起始状态"),
        (("kinds", "other", "moves", "start", "to"), "nowhere", "没有状态 nowhere"),
        (("kinds", "other", "moves", "fly"), {"from": ["new"]}, "moves 里没有 fly"),
        (("moves", "start", "needs"), ["nothing"], "没有字段"),
        (("moves", "start", "by"), ["nobody"], "没有人群"),
        (("moves", "start", "guards"), ["moon"], "没有条件"),
    ],
)
def test_a_mistake_in_the_data_is_named(place: tuple[str, ...], value: Any, said: str) -> None:
    broken = yaml.safe_load(yaml.safe_dump(DATA, allow_unicode=True))
    node = broken
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    with pytest.raises(WorkflowError, match=said):
        load(broken, roles=ROLES)
