"""./bench desk: the ledger with a million cases, every kind of list, search and case page, as a browser asks for them.

Every request goes through the whole product (middleware, permissions, queries, template) in this process, with the
settings of production; only the network is left out. Each kind of page is opened many times with other values drawn
at random, after a warm-up. Then the same cases in django-helpdesk (helpdesk.py), through its own pages.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlencode

import time_machine
from rich.table import Table

from . import cases, helpdesk, house, wordlist
from .frame import Bench, Database, Outcome, Processor, Timings, machine, pooled, timing_table

FULL, QUICK = 1_000_000, 10_000
SEARCH_GOAL_MS, PAGE_GOAL_MS = 100.0, 150.0


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of request: each call of draw gives another address."""

    name: str
    client: Any
    draw: Callable[[], str]


def run(bench: Bench) -> Outcome:
    quick = bench.options.quick
    rows = bench.options.rows or (QUICK if quick else FULL)
    plan = cases.Plan(rows)
    database = bench.database("desk", rows, made_by=cases.digest(plan))
    bench.prepare(database, lambda: _fill(bench, plan, database))
    draws = 3 if quick else 40
    with time_machine.travel(cases.ANCHOR, tick=True):
        people = _people()
        words = wordlist.read(rows)
        pages = _measured(bench, "页面", _page_tasks(people, Random(1)), draws)
        searches = _measured(bench, "检索", _search_tasks(people, words, Random(2)), draws)
        both = _side_by_side(people, words, Random(3))
        ours = _measured(bench, "并排", [task for task, _ in both], max(3, draws // 4))
    outcome = _outcome(pages, searches, rows)
    outcome.notes += _words_note(words)
    if not bench.options.alone:
        _compare(bench, outcome, database, [(o, t) for o, (_, t) in zip(ours, both, strict=True)], quick=quick)
    return outcome


def _fill(bench: Bench, plan: cases.Plan, database: Database) -> None:
    house.build()
    with bench.progress("问题单", plan.rows) as progress:
        cases.load(database, plan, progress)


def _people() -> dict[str, Any]:
    """A signed-in browser for each kind of reader."""
    from django.test import Client

    from xingwei.base.accounts.models import User
    from xingwei.service.desk.models import Case

    found = {}
    for role in ("service_manager", "onsite_engineer", "it_staff", "head_nurse", "reporter"):
        user = User.objects.filter(assignments__role=role).order_by("pk").first()
        if role in {"reporter", "head_nurse"}:  # somebody who has reported much
            busy = User.objects.filter(assignments__role=role, department__isnull=False).order_by("pk")[:30]
            user = max(busy, key=lambda u: Case.objects.filter(department_id=u.department_id)[:2_000].count())
        client = Client(HTTP_HOST="localhost")
        client.force_login(user)
        found[role] = client
    return found


def _page_tasks(people: dict[str, Any], random: Random) -> list[Task]:
    from xingwei.service.desk.queries.ledger import SORTS, VIEWS

    manager = people["service_manager"]
    values = _values()
    newest = values.pop("id")

    def ledger(name: str, draw: Callable[[], dict[str, Any]], client: Any = manager) -> Task:
        return Task(name, client, lambda: f"/desk/?{urlencode(draw(), doseq=True)}")

    def some(*keys: str, **fixed: Any) -> Callable[[], dict[str, Any]]:
        return lambda: {**fixed, **{k: random.choice(values[k]) for k in keys}}

    def deep(sort: str) -> Callable[[], dict[str, Any]]:
        return lambda: {"view": "all", "sort": sort, "after": _cursor(sort, random.randrange(1, newest))}

    number = _numbers(random, newest)
    tasks = [ledger(f"台账·{v.label}", some(view=v.key)) for v in VIEWS]
    tasks += [
        ledger(f"台账·待我处理（{who}）", some(view="mine"), people[who]) for who in ("onsite_engineer", "it_staff")
    ]
    tasks += [ledger(f"排序·全部按{label}", some(view="all", sort=key)) for key, (label, _) in SORTS.items()]
    tasks += [ledger(f"深处翻页·全部按{label}", deep(key)) for key, (label, _) in SORTS.items()]
    tasks += [ledger(f"筛选·{key}", some(key, view="all")) for key in values]
    tasks += [ledger(f"筛选·未办结 {key}", some(key, view="open")) for key in values]
    tasks += [
        ledger("筛选·系统+类别", some("system", "kind", view="all")),
        ledger("筛选·系统+级别+归属", some("system", "severity", "party", view="all")),
        ledger("筛选·科室+办理人+曾超时", some("department", "assignee", "late", view="all")),
        ledger("筛选·系统+渠道+标签+受理自", some("system", "channel", "tag", "from", view="all")),
        ledger("筛选·系统，按更新排", some("system", view="all", sort="updated")),
        ledger("筛选·科室，按办结排", some("department", view="all", sort="closed")),
        ledger("护士长的台账", some(view="all"), people["head_nurse"]),
        Task("科室用户·我的问题", people["reporter"], lambda: "/desk/portal/mine/"),
        Task("打开一件", manager, lambda: f"/desk/{number()}/"),
        Task("打开一件（从全部台账来）", manager, lambda: f"/desk/{number()}/?{urlencode({'from': 'view=all'})}"),
        Task("登记页", manager, lambda: "/desk/new/"),
        Task("首页·服务经理", manager, lambda: "/"),
        Task("首页·信息科", people["it_staff"], lambda: "/"),
    ]
    return tasks


def _search_tasks(people: dict[str, Any], words: dict[str, list[str]], random: Random) -> list[Task]:
    manager = people["service_manager"]
    systems = _values()["system"]

    def found(name: str, chosen: list[str], **fixed: Any) -> Task:
        def draw() -> str:
            more = {k: random.choice(v) for k, v in fixed.items()}
            return f"/desk/?{urlencode({'view': 'all', 'q': random.choice(chosen), **more})}"

        return Task(name, manager, draw)

    tasks = [found(f"检索·{name}", chosen) for name, chosen in words.items()]
    common, middle = words[wordlist.COMMON_2], words[wordlist.MIDDLE_3]
    tasks += [
        found("检索·常见词，未办结", common, view=["open"]),
        found("检索·常见词+系统", common, system=systems),
        found("检索·中频词+系统", middle, system=systems),
        found("检索·两个词", [f"{a} {b}" for a, b in zip(common, middle, strict=False)]),
        Task("检索·常见词，深处翻页", manager, lambda: _deep_search(random, common)),
        Task(
            "检索·护士长，常见词",
            people["head_nurse"],
            lambda: f"/desk/?{urlencode({'view': 'all', 'q': random.choice(common)})}",
        ),
        Task("全站检索·常见词", manager, lambda: f"/search/?{urlencode({'q': random.choice(common)})}"),
    ]
    return tasks


def _deep_search(random: Random, words: list[str]) -> str:
    from xingwei.service.desk.models import Case

    newest = Case.objects.order_by("-id").values_list("id", flat=True)[0]
    after = _cursor("new", random.randrange(newest // 10, newest))
    return f"/desk/?{urlencode({'view': 'all', 'q': random.choice(words), 'after': after})}"


def _values() -> dict[str, Any]:
    """What can be chosen in each filter; "id" is the newest case's."""
    from xingwei.base.estate.models import System
    from xingwei.service.desk.models import Case
    from xingwei.service.desk.workflow import kind_choices

    newest = Case.objects.order_by("-id")[0]
    busy = Case.objects.filter(pk__gt=newest.pk - 5_000)
    days = [(newest.opened_at - cases.dt.timedelta(days=n)).date().isoformat() for n in (7, 30, 90, 365, 900)]
    tags = {tag for tags in busy.values_list("tags", flat=True) for tag in tags}
    return {
        "id": newest.pk,
        "system": list(System.objects.values_list("code", flat=True)),
        "kind": [k for k, _ in kind_choices()],
        "severity": ["0", "1", "2", "3"],
        "department": sorted(set(busy.values_list("department_id", flat=True))),
        "assignee": [*sorted({a for a in busy.values_list("assignee_id", flat=True) if a}), "me", "none"],
        "party": Case.Party.values,
        "state": ["new", "open", "waiting", "answered", "resolved", "closed"],
        "channel": Case.Channel.values,
        "late": ["0", "1"],
        "from": days,
        "to": days,
        "tag": sorted(tags),
    }


def _numbers(random: Random, newest: int) -> Callable[[], str]:
    from xingwei.service.desk.models import Case

    numbers = list(
        Case.objects.filter(pk__in=random.sample(range(1, newest + 1), min(500, newest))).values_list(
            "number", flat=True
        )
    )
    return lambda: random.choice(numbers)


def _cursor(sort: str, pk: int) -> str:
    """Where a page that begins at this case continues."""
    from xingwei.base.ui.keyset import cursor_of
    from xingwei.service.desk.models import Case
    from xingwei.service.desk.queries.ledger import SORTS

    order = SORTS[sort][1]
    rows = Case.objects.filter(pk__gte=pk).order_by("pk")
    return cursor_of(order, rows.filter(closed_at__isnull=False)[0] if sort == "closed" else rows[0])


def _measured(bench: Bench, what: str, tasks: list[Task], draws: int) -> list[Timings]:
    """Each kind of request `draws` times, the kinds by turns; before that each once, to warm up."""
    found = [Timings(task.name) for task in tasks]
    processor = Processor()
    for task in tasks:
        _get(task, Timings(""), processor)
    with bench.progress(what, draws) as progress:
        for n in range(draws):
            for task, timings in zip(tasks, found, strict=True):
                _get(task, timings, processor)
            progress(n + 1)
    return found


def _get(task: Task, timings: Timings, processor: Processor) -> None:
    url = task.draw()
    worked, start = processor.seconds(), time.perf_counter()
    response = task.client.get(url)
    timings.seconds.append(time.perf_counter() - start)
    timings.cpu.append(processor.seconds() - worked)
    if response.status_code != 200:
        raise SystemExit(f"{task.name}：{url} 返回 {response.status_code}")


def _side_by_side(
    people: dict[str, Any], words: dict[str, list[str]], random: Random
) -> list[tuple[Task, dict[str, Any]]]:
    """What both can do: our request, and django-helpdesk's."""
    from xingwei.base.estate.models import System
    from xingwei.service.desk.models import Case

    manager = people["service_manager"]
    newest = Case.objects.order_by("-id").values_list("id", flat=True)[0]
    systems = dict(System.objects.values_list("code", "pk"))
    code = random.choice(sorted(systems))
    middle = newest // 2
    case = Case.objects.get(pk=middle)
    newest_first = "status=1&status=2&status=3&status=4&sort=created&sortreverse=1"
    deep = _cursor("new", middle)

    def pair(name: str, ours: dict[str, Any], **theirs: Any) -> tuple[Task, dict[str, Any]]:
        return Task(name, manager, lambda: f"/desk/?{urlencode(ours)}"), {"name": name, **theirs}

    def search(name: str, kind: str) -> tuple[Task, dict[str, Any]]:
        word = words[kind][0]
        return pair(f"{name}“{word}”", {"view": "all", "q": word}, list=f"{urlencode({'q': word})}&{newest_first}")

    return [
        pair(
            "未办结的列表",
            {"view": "open", "sort": "new"},
            list="status=1&status=2&status=3&sort=created&sortreverse=1",
        ),
        pair("全部，最新在前", {"view": "all"}, list=newest_first),
        pair("一个系统的全部", {"view": "all", "system": code}, list=f"queue={systems[code]}&{newest_first}"),
        pair("全部，翻到中间", {"view": "all", "after": deep}, list=newest_first, start=newest - middle),
        (Task("打开一件", manager, lambda: f"/desk/{case.number}/"), {"name": "打开一件", "ticket": middle}),
        search("检索常见两字词", wordlist.COMMON_2),
        search("检索少见四字词", wordlist.RARE_4),
        search("检索没有的词", wordlist.ABSENT_3),
    ]


def _outcome(pages: list[Timings], searches: list[Timings], rows: int) -> Outcome:
    numbers: dict[str, Any] = {
        "benchmark": "desk",
        "search_p95_ms": round(pooled(searches).p95, 1),
        "page_p95_ms": round(pooled(pages).p95, 1),
        "vs_django_helpdesk": None,
        "rows": rows,
        "search_p95_cpu_ms": round(pooled(searches).cpu_p95, 1),
        "page_p95_cpu_ms": round(pooled(pages).cpu_p95, 1),
        "search_worst_kind_p95_ms": round(max(t.p95 for t in searches), 1),
        "page_worst_kind_p95_ms": round(max(t.p95 for t in pages), 1),
        "search_goal_ms": SEARCH_GOAL_MS,
        "page_goal_ms": PAGE_GOAL_MS,
        **machine(),
    }
    tables = [
        timing_table(f"检索，{rows:,} 件（目标 p95 < {SEARCH_GOAL_MS:.0f} ms）", searches, goal=SEARCH_GOAL_MS),
        timing_table(f"页面，{rows:,} 件（目标 p95 < {PAGE_GOAL_MS:.0f} ms）", pages, goal=PAGE_GOAL_MS),
    ]
    notes = [
        "每次都是完整的一次请求：权限、查询、模板，一页 50 行；只是不经过网络。缓存已热。",
        "“处理器”是其中处理器真正花的时间（本进程加数据库进程）：机器同时忙别的事时，看它。",
        f"全部检索 p95 {pooled(searches).p95:,.1f} ms，全部页面 p95 {pooled(pages).p95:,.1f} ms。",
    ]
    return Outcome(numbers, tables, notes)


def _words_note(words: dict[str, list[str]]) -> Iterable[str]:
    yield "检索的词（取自数据本身）：" + "；".join(f"{name} {'、'.join(chosen[:3])}" for name, chosen in words.items())


def _compare(
    bench: Bench, outcome: Outcome, database: Database, both: list[tuple[Timings, dict[str, Any]]], *, quick: bool
) -> None:
    """Add django-helpdesk's times. Where it cannot be set up (no network) the rest stands without them."""
    from django.db import connection

    connection.close()
    rounds = 1 if quick else 3
    theirs = {task["name"]: Timings(task["name"]) for _, task in both}
    capped: set[str] = set()
    try:
        other = helpdesk.prepare(bench, database)
        tasks = [task for n in range(rounds) for _, task in both]
        with bench.progress("django-helpdesk", len(tasks)) as progress:
            for n, (name, seconds, broke_off) in enumerate(helpdesk.measure(other, tasks), start=1):
                theirs[name].seconds.append(seconds)
                if broke_off:
                    capped.add(name)
                progress(n)
    except helpdesk.NotThere as error:
        outcome.notes.append(f"没有与 django-helpdesk 比较：{error}")
        return
    table = Table(title=f"与 django-helpdesk {helpdesk.version()} 并排（p50，毫秒）", title_justify="left")
    for name in ("做什么", "杏维", "django-helpdesk", "倍数"):
        table.add_column(name, justify="left" if name == "做什么" else "right")
    ratios = []
    for ours, task in both:
        other_times = theirs[task["name"]]
        ratios.append(other_times.p50 / ours.p50)
        mark = "> " if task["name"] in capped else ""
        table.add_row(task["name"], f"{ours.p50:,.1f}", f"{mark}{other_times.p50:,.1f}", f"{mark}{ratios[-1]:,.1f}")
    overall = math.exp(sum(map(math.log, ratios)) / len(ratios))
    outcome.tables.append(table)
    outcome.numbers["vs_django_helpdesk"] = round(overall, 1)
    outcome.numbers["vs_django_helpdesk_by_task"] = {
        task["name"]: round(ratio, 1) for ratio, (_, task) in zip(ratios, both, strict=True)
    }
    outcome.numbers["django_helpdesk_capped"] = sorted(capped)
    outcome.notes += [
        f"倍数是 django-helpdesk 的 p50 除以杏维的 p50；总的是各项的几何平均：{overall:,.1f}。",
        "django-helpdesk 的一个列表是它自己的两次请求：页面，和表格随后取的 25 行（另数总数两遍）；杏维一次请求 50 行。",
        "django-helpdesk 用的是它自己的视图、查询与索引，同一个 PostgreSQL、同样的行；检索是它自带的 icontains。",
        f"django-helpdesk 每次请求最多等 {helpdesk.CAP_S:.0f} 秒，超过按 {helpdesk.CAP_S:.0f} 秒计（标 >）"
        + (f"：{'、'.join(sorted(capped))}。" if capped else "；这次没有超过的。"),
    ]
