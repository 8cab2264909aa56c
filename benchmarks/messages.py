"""Finding messages among ten million: by patient, type, time, text, channel, state, numbers; and opening one.

Each search is what a browser does: the form is posted, what may not stand in an address goes into the session, and the
page of results is fetched; permissions, masking and the journal included, without the network.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from . import house, traffic
from .frame import Bench, Database, Outcome, Processor, Timings, machine, pooled, timing_table

FULL, QUICK = 10_000_000, 200_000
GOAL_MS = 200.0


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of search. draw: what is filled in, or an address ("" for the form)."""

    name: str
    client: Any
    draw: Callable[[], dict[str, str] | str]
    search: bool = True


def run(bench: Bench) -> Outcome:
    rows = bench.options.rows or (QUICK if bench.options.quick else FULL)
    plan = traffic.Plan(rows)
    database = bench.database("messages", rows, made_by=traffic.digest_of(plan))
    bench.prepare(database, lambda: _fill(bench, plan, database))
    people = _people()
    draws = 5 if bench.options.quick else 30
    tasks = _tasks(people, rows, Random(3))
    found = _measured(bench, tasks, draws)
    searches = [t for t, task in zip(found, tasks, strict=True) if task.search]
    pages = [t for t, task in zip(found, tasks, strict=True) if not task.search]
    return _outcome(searches, pages, rows, database)


def _fill(bench: Bench, plan: traffic.Plan, database: Database) -> None:
    house.build()
    channels = _channels()
    with bench.progress("消息", plan.rows) as progress:
        traffic.load(database, plan, channels, progress)


def _channels() -> dict[str, int]:
    from xingwei.base.policy.engine import system_actor
    from xingwei.operations.gateway import files
    from xingwei.operations.gateway.models import Channel
    from xingwei.operations.gateway.services.importer import import_gateway

    import_gateway(system_actor("command"), files.SHIPPED, skip_missing=True)
    return dict(Channel.objects.values_list("code", "pk"))


def _people() -> dict[str, Any]:
    from django.test import Client

    from xingwei.base.accounts.models import User

    found = {}
    for role in ("onsite_engineer", "service_manager"):
        client = Client(HTTP_HOST="localhost")
        client.force_login(User.objects.filter(assignments__role=role).order_by("pk")[0])
        found[role] = client
    return found


def _tasks(people: dict[str, Any], rows: int, random: Random) -> list[Task]:
    sees, masked = people["onsite_engineer"], people["service_manager"]

    def some(name: str, draw: Callable[[], dict[str, str]], client: Any = sees) -> Task:
        return Task(name, client, draw)

    def number() -> int:
        return random.randrange(rows)

    def when(n: int) -> str:
        at = traffic.FIRST + (traffic.LAST - traffic.FIRST) * n / rows + dt.timedelta(hours=8)
        return f"{at:%Y-%m-%dT%H:%M}"

    def span() -> dict[str, str]:
        start = random.randrange(int(rows * 0.9))
        return {"since": when(start), "until": when(start + rows // 20)}

    def code() -> str:
        return random.choice(sorted({c for c, _, _ in traffic.CHANNELS}))

    pick = random.choice
    return [
        Task("全部，最新", sees, lambda: "/gateway/messages/", search=True),
        some("按通道", lambda: {"channel": code()}),
        some("按通道与时间", lambda: {"channel": code(), **span()}),
        some("按时间", span),
        some("按患者号", lambda: {"patient": traffic.patient(random.randrange(traffic.PATIENTS))}),
        some("按患者号与时间", lambda: {"patient": traffic.patient(random.randrange(traffic.PATIENTS)), **span()}),
        some("按业务号", lambda: {"reference": traffic.barcode(number())}),
        some("按控制号", lambda: {"control_id": traffic.control(number())}),
        some("没有这个患者", lambda: {"patient": f"Q{number()}"}),
        some("按状态：隔离", lambda: {"state": "quarantined"}),
        some("按常见类型", lambda: {"type": pick(traffic.TYPES)}),
        some("按少见类型", lambda: {"type": "ADT^A40"}),
        some("没有这个类型", lambda: {"type": "ADT^A99"}),
        some("按类型与时间", lambda: {"type": pick(traffic.TYPES), **span()}),
        some("正文：常见词", lambda: {"text": pick(traffic.COMMON)}),
        some("正文：中等词", lambda: {"text": pick(traffic.MIDDLE)}),
        some("正文：少见词", lambda: {"text": pick(traffic.RARE)}),
        some("正文：没有的词", lambda: {"text": pick(("莫须有综合征", "乌有之乡", "子虚医院"))}),
        some("正文：两个词", lambda: {"text": f"{pick(traffic.COMMON)} {pick(traffic.MIDDLE)}"}),
        some("正文：编号", lambda: {"text": traffic.barcode(number())}),
        some("正文：常见词，某通道", lambda: {"text": pick(traffic.COMMON), "channel": code()}),
        some("正文：中等词，某时段", lambda: {"text": pick(traffic.MIDDLE), **span()}),
        some("正文：中等词，某类型", lambda: {"text": pick(traffic.MIDDLE), "type": "ORU^R01"}),
        some("正文：中等词，没有数据权", lambda: {"text": pick(traffic.MIDDLE)}, masked),
        Task("翻到深处", sees, lambda: _deep(random, rows)),
        Task("打开一条", sees, lambda: f"/gateway/messages/{_number(number())}/", search=False),
        Task("打开一条（遮蔽）", masked, lambda: f"/gateway/messages/{_number(number())}/", search=False),
    ]


def _number(n: int) -> str:
    from xingwei.operations.gateway.models import Message

    row = Message.objects.filter(id=n + 1).only("id", "received_at")[0]
    return str(row.number)


def _deep(random: Random, rows: int) -> str:
    from xingwei.base.ui.keyset import cursor_of
    from xingwei.operations.gateway.models import Message
    from xingwei.operations.gateway.queries.messages import ORDER

    row = Message.objects.filter(id=random.randrange(rows) + 1).only("id", "received_at")[0]
    return f"/gateway/messages/?after={cursor_of(ORDER, row)}"


def _measured(bench: Bench, tasks: list[Task], draws: int) -> list[Timings]:
    found = [Timings(task.name) for task in tasks]
    processor = Processor()
    for task in tasks:
        _do(task, Timings(""), processor)
    with bench.progress("检索", draws) as progress:
        for n in range(draws):
            for task, timings in zip(tasks, found, strict=True):
                _do(task, timings, processor)
            progress(n + 1)
    return found


def _do(task: Task, timings: Timings, processor: Processor) -> None:
    wanted = task.draw()
    worked, start = processor.seconds(), time.perf_counter()
    if isinstance(wanted, str):
        response = task.client.get(wanted)
    else:
        sent = task.client.post("/gateway/messages/", wanted)
        if sent.status_code != 302:
            raise SystemExit(f"{task.name}：检索被拒绝（{sent.status_code}）")
        response = task.client.get(sent["Location"])
    timings.seconds.append(time.perf_counter() - start)
    timings.cpu.append(processor.seconds() - worked)
    if response.status_code != 200:
        raise SystemExit(f"{task.name}：返回 {response.status_code}")


def _outcome(searches: list[Timings], pages: list[Timings], rows: int, database: Database) -> Outcome:
    numbers = {
        "benchmark": "messages",
        "search_p95_ms": round(pooled(searches).p95, 1),
        "rows": rows,
        "search_p50_ms": round(pooled(searches).p50, 1),
        "search_p95_cpu_ms": round(pooled(searches).cpu_p95, 1),
        "search_worst_kind_p95_ms": round(max(t.p95 for t in searches), 1),
        "open_p95_ms": round(pooled(pages).p95, 1),
        "search_goal_ms": GOAL_MS,
        "database_gb": round(database.size() / 2**30, 1),
        **machine(),
    }
    tables = [
        timing_table(f"检索，{rows:,} 条消息（目标 p95 < {GOAL_MS:.0f} ms）", searches, goal=GOAL_MS),
        timing_table("打开一条消息", pages),
    ]
    notes = [
        "每次检索是两次请求：提交条件（记入审计），再取一页 50 条；权限、遮蔽、状态都在内，只是不经过网络。缓存已热。",
        f"三十天，分区按天；正文索引与消息同样多。全部检索 p95 {pooled(searches).p95:,.1f} ms。",
    ]
    return Outcome(numbers, tables, notes)
