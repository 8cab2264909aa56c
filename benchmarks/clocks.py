"""./bench clocks: every open case's clocks recomputed after the calendar changed.

100,000 open cases with the events that cases of their kind have. Two changes are measured, each as the product makes
them: a publication in the calendar's room, then what its subscriber runs (desk.services.clocks.recompute_open). First
other working hours, which move every deadline in working time; then one more holiday, which moves those around it.
The figure of the last line is the slower one.
"""

from __future__ import annotations

import copy
import time
from typing import Any

import time_machine
from rich.table import Table

from . import cases, house
from .frame import AllProcessors, Bench, Database, Outcome, machine, use

FULL, QUICK = 100_000, 10_000
GOAL_S = 10.0
WINTER = {"default": ["08:30-12:00", "13:30-17:30"], "seasons": []}
HOLIDAY = {"name": "停电检修", "from": "2026-11-24", "to": "2026-11-24"}
SAMPLE = 500


def run(bench: Bench) -> Outcome:
    rows = bench.options.rows or (QUICK if bench.options.quick else FULL)
    plan = cases.Plan(rows, days=40, stay=1.0)
    kept = bench.database("clocks", rows, made_by=cases.digest(plan))
    bench.prepare(kept, lambda: _fill(bench, plan, kept))
    scratch = Database(bench, "scratch_clocks")
    use(scratch)  # nobody may look at a database that is copied
    scratch.copy_of(kept)
    try:
        with time_machine.travel(cases.ANCHOR, tick=True):
            return _measure(bench, AllProcessors(bench))
    finally:
        use(kept)
        scratch.drop()


def _fill(bench: Bench, plan: cases.Plan, database: Database) -> None:
    house.build()
    with bench.progress("问题单", plan.rows) as progress:
        cases.load(database, plan, progress)


def _measure(bench: Bench, processors: AllProcessors) -> Outcome:
    from xingwei.base.calendar import queries, services
    from xingwei.base.policy.engine import system_actor
    from xingwei.service.desk.services import clocks

    table = Table(title="日历变了，重算在走的时钟", title_justify="left")
    for name in ("改了什么", "问题单", "时限变了", "秒", "处理器秒", "每件 µs"):
        table.add_column(name, justify="left" if name == "改了什么" else "right")
    latest = queries.latest()
    assert latest is not None
    year = copy.deepcopy(latest.years["2026"])
    year["holidays"].append(HOLIDAY)
    found = _open_clocks()
    taken: dict[str, float] = {}
    worked: dict[str, float] = {}
    for label, change in (("上下班时间", {"hours": WINTER}), ("多一天假", {"years": {2026: year}})):
        before = _deadlines()
        services.publish(system_actor("bench"), note=f"性能测试：{label}", **change)
        with bench.progress(label, len(before)) as progress:
            start, began = time.perf_counter(), processors.seconds()
            done = clocks.recompute_open(progress=progress)
            taken[label], worked[label] = time.perf_counter() - start, processors.seconds() - began
        moved = sum(before[pk] != now for pk, now in _deadlines().items())
        seconds = taken[label]
        table.add_row(
            label,
            f"{done:,}",
            f"{moved:,}",
            f"{seconds:.2f}",
            f"{worked[label]:.2f}",
            f"{1e6 * seconds / max(done, 1):.0f}",
        )
    _check()
    numbers = {
        "benchmark": "clocks", "clocks": found, "cases": len(before), "seconds": round(max(taken.values()), 2),
        "cpu_s": round(max(worked.values()), 2),
        "goal_s": GOAL_S, "by_change": {k: round(v, 2) for k, v in taken.items()}, **machine(),
    }  # fmt: skip
    notes = [
        f"{len(before):,} 件没有办结的问题单，{found:,} 个没有停的时钟；两份同时在算，各用一个数据库连接。“处理器秒”是本进程与数据库合计。",
        f"重算后抽 {SAMPLE} 件，与逐件重算（services.clocks.refresh）的结果相同。",
    ]
    return Outcome(numbers, [table], notes)


def _open_clocks() -> int:
    """How many clocks run or are paused."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM desk_case c JOIN desk_caseclocks t ON t.case_id = c.id, jsonb_array_elements(t.clocks) k"
            " WHERE c.category <> 'closed' AND NOT k ? 'stop'"
        )
        return int(cursor.fetchone()[0])


def _deadlines() -> dict[int, Any]:
    """All deadlines of each open case, as stored."""
    from xingwei.service.desk.models import Case

    rows = Case.objects.exclude(category="closed").values_list("pk", "timing__clocks")
    return {pk: [(c["key"], c.get("due"), c.get("left")) for c in clocks] for pk, clocks in rows}


def _check() -> None:
    """Recomputing all at once gives what recomputing one gives. A figure for wrong results would be worth nothing."""
    from django.db import transaction

    from xingwei.service.desk.models import Case
    from xingwei.service.desk.services import clocks

    names = ("clocks", "next_due_at", "next_due_clock", "clock_state", "ever_late")
    step = max(1, Case.objects.count() // SAMPLE)
    for case in Case.objects.exclude(category="closed").order_by("pk")[::step]:
        stored = {n: getattr(case, n) for n in names}
        with transaction.atomic():
            clocks.refresh(case)
        single = {n: getattr(case, n) for n in names}
        if single != stored:
            raise SystemExit(f"重算结果不一致：{case.number}\n{stored}\n{single}")
