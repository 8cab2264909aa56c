"""The order of a way out: first in, first out for each key, whatever fails, waits, or is taken away in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xingwei.operations.gateway.engine.lanes import Lanes

KEYS = st.sampled_from(["", "P1", "P2", "P3"])
STEP = st.one_of(
    st.tuples(st.just("add"), KEYS),
    st.tuples(st.sampled_from(["take", "done", "again", "hold", "release", "drop"]), st.integers(0, 30)),
    st.tuples(st.just("pass"), st.floats(0.1, 5)),
)


@given(st.lists(STEP, max_size=120))
def test_no_key_is_twice_on_the_wire_and_none_overtakes_its_own(steps: list[tuple[str, object]]) -> None:
    lanes: Lanes[tuple[int, str]] = Lanes()
    now, next_id = 0.0, 1
    out: dict[int, str] = {}
    held: dict[int, str] = {}
    gone: dict[str, int] = {}
    due: dict[int, float] = {}
    left: dict[int, str] = {}

    def pick(among: dict[int, str], n: object) -> int | None:
        return sorted(among)[n % len(among)] if among and isinstance(n, int) else None

    for act, what in steps:
        if act == "add":
            lanes.add(next_id, str(what), (next_id, str(what)))
            left[next_id] = str(what)
            next_id += 1
        elif act == "pass":
            now += float(what)  # type: ignore[arg-type]
        elif act == "take":
            found = lanes.take(now)
            free = [
                i for i in left if i == min(j for j in left if left[j] == left[i]) and i not in out and i not in held
            ]
            ready = [i for i in free if due.get(i, 0) <= now]
            assert (found is None) == (not ready)
            if found is not None:
                id, key = found
                assert id in ready
                assert key not in out.values()
                assert id > gone.get(key, 0)
                out[id] = key
        elif act == "release" and (id := pick(held, what)) is not None:
            held.pop(id)
            lanes.again(id, 0.0)
            due.pop(id, None)
        elif act == "drop" and (id := pick(left, what)) is not None:
            assert lanes.drop(id) == (id not in out)
            if id not in out:
                left.pop(id)
                held.pop(id, None)
        elif (id := pick(out, what)) is not None:
            if act == "done":
                lanes.done(id)
                gone[out.pop(id)] = id
                left.pop(id)
            elif act == "again":
                lanes.again(id, now + 1)
                due[id] = now + 1
                out.pop(id)
            elif act == "hold":
                lanes.hold(id)
                held[id] = out.pop(id)
        assert len(lanes) == len(left)
        assert lanes.out == len(out)


def test_what_comes_late_with_an_older_id_takes_its_place_but_never_before_what_is_on_the_wire() -> None:
    lanes: Lanes[int] = Lanes()
    for id in (10, 30):
        lanes.add(id, "P", id)
    assert lanes.take(0) == 10
    lanes.add(5, "P", 5)
    lanes.add(20, "P", 20)
    lanes.done(10)
    taken = []
    while (id := lanes.take(0)) is not None:
        taken.append(id)
        lanes.done(id)
    assert taken == [5, 20, 30]


def test_a_wait_is_kept_and_told() -> None:
    lanes: Lanes[int] = Lanes()
    lanes.add(1, "P", 1, due=7.0)
    lanes.add(2, "P", 2)
    assert lanes.take(6.9) is None
    assert lanes.next_due() == 7.0
    assert lanes.take(7.0) == 1
