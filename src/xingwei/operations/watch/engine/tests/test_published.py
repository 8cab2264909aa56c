"""Data sets of others, as they are published, and the responsibility list against what is seen."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from xingwei.operations.watch.engine.triage import Edge, Event, Graph, Node, Series, published, rank
from xingwei.operations.watch.files import SHIPPED
from xingwei.operations.watch.responsibility import read
from xingwei.operations.watch.triage_cli import app

AT = dt.datetime(2026, 3, 18, 2, 0, tzinfo=dt.UTC)
RULES = read(SHIPPED / "triage" / "responsibility.yaml")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """As RCAEval publishes it: a second a row; from row 900 on `carts-db` has no processor left."""
    rng = np.random.default_rng(4)
    names = [
        f"{s}_{m}"
        for s in ("front-end", "carts", "carts-db", "catalogue")
        for m in ("cpu", "mem", "latency-50", "error")
    ]
    rows = ["time," + ",".join(names)]
    for i in range(1200):
        bad = i >= 900
        cells = []
        for n in names:
            base = {"cpu": 20, "mem": 40, "latency-50": 0.05, "error": 0.001}[n.rpartition("_")[2]]
            value = base * (1 + 0.05 * rng.standard_normal())
            if bad and n == "carts-db_cpu":
                value = 98
            if bad and n in {"carts-db_latency-50", "carts_latency-50", "front-end_latency-50"}:
                value *= 8
            cells.append(f"{value:.4f}")
        rows.append(f"{1_700_000_000 + i}," + ",".join(cells))
    (tmp_path / "data.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "calls.csv").write_text(
        "caller,callee\nfront-end,carts\nfront-end,catalogue\ncarts,carts-db\n", "utf-8"
    )
    return tmp_path


@pytest.mark.parametrize("more", [[], ["--since", "1700000900"]])
def test_the_command_finds_the_service_that_the_others_wait_for(shop: Path, more: list[str]) -> None:
    args = [
        "rank",
        "--metrics",
        str(shop / "data.csv"),
        "--graph",
        str(shop / "calls.csv"),
        "--at",
        "1700001199",
        *more,
    ]
    outcome = CliRunner().invoke(app, args)
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.output)
    assert found["suspects"][0]["node"] == "carts-db"
    assert found["suspects"][0]["layer"] == "应用"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "没有时间列"),
        ("time,a_cpu\n1,2\n", "只有 1 行"),
        ("time,a_cpu\n1,2\n2,x\n3,4\n", "第 3 行“a_cpu”一列的“x”不是数"),
        ("time,a_cpu\nnow,2\n2,3\n3,4\n", "第 2 行的时间“now”看不懂"),
        ("time,a_cpu,a_cpu\n1,2,3\n2,2,3\n3,2,3\n", "出现了两次"),
        ("time,a_cpu\n1,2\n2\n3,4\n", "第 3 行有 1 列"),
    ],
)
def test_what_is_wrong_with_metrics_is_said(text: str, said: str) -> None:
    with pytest.raises(published.FormatProblem, match=said):
        published.metrics(text)


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ('{"nodes": ["a", {"key": "b", "kind": "database"}], "edges": [["a", "b"]]}', 1),
        ('[{"source": "a", "target": "b"}, ["b", "c"]]', 2),
        ('{"a": ["b", "c"]}', 2),
        ("a,b\nb,c\n", 2),
        ("source,weight,target\na,1,b\n", 1),
    ],
)
def test_every_published_form_of_a_graph(text: str, edges: int) -> None:
    assert len(published.graph(text).edges) == edges


@pytest.mark.parametrize("text", ["", "{", '{"nodes": [{"kind": "x"}]}', "a\n", '{"a": "b"}'])
def test_a_broken_graph_is_refused_in_words(text: str) -> None:
    with pytest.raises(published.FormatProblem):
        published.graph(text)


def series(node: str, signal: str, usual: float, now: float | None = None, minutes: int = 15) -> Series:
    times = np.arange(AT.timestamp() - 5 * 3600, AT.timestamp(), 60.0)
    values = usual * (1 + 0.04 * np.random.default_rng(len(node) + len(signal)).standard_normal(len(times)))
    if now is not None:
        values[AT.timestamp() - 60 * minutes < times] = now
    return Series(node, signal, times, values)


HOSPITAL = Graph(
    [
        Node("f", "医保结算", "function"), Node("i", "2207", "interface"), Node("yb", "医保中心", "third_party", "third_party"),
        Node("pay", "支付平台", "third_party", "third_party"), Node("line", "专线", "link", "carrier"),
        Node("front", "前置机", "host", "hospital"), Node("a", "前置程序", "application"),
    ],
    [
        Edge("f", "i", "serves"), Edge("i", "yb"), Edge("i", "a"), Edge("yb", "line", "connects"),
        Edge("pay", "line", "connects"), Edge("a", "front", "runs_on"),
    ],
)  # fmt: skip
FAILING = [series("i", "if.err", 0.004, 1.0), series("f", "syn.fail", 0.001, 1.0)]


def verdict(rows: list[Series], events: list[Event]) -> tuple[str, str]:
    first = rank(HOSPITAL, rows, events, AT, rules=RULES).first
    return (str(first.layer), str(first.owner)) if first else ("", "")


def error(text: str) -> Event:
    return Event(AT - dt.timedelta(minutes=9), "error", "i", text, data={"count": 40})


def test_the_same_symptom_is_told_apart_by_text_clock_and_line() -> None:
    """医保收不了费: not signed in, a wrong key, a clock, the line, the centre."""
    assert verdict(FAILING, [error("未签到，请先签到")]) == ("接口", "vendor")
    changed = Event(AT - dt.timedelta(hours=1), "change", "i", "更换密钥", by="hospital")
    assert verdict(FAILING, [error("签名不一致!"), changed]) == ("接口", "hospital")
    assert verdict([*FAILING, series("front", "host.offset", 0.02, 600)], [error("签名时间戳超时!")]) == (
        "操作系统",
        "hospital",
    )
    dead = [series("yb", "tp.up", 1, 0), series("pay", "tp.up", 1, 0)]
    assert verdict([*FAILING, *dead, series("line", "net.up", 1, 0)], []) == ("网络", "carrier")
    assert verdict([*FAILING, dead[0], series("pay", "tp.up", 1), series("line", "net.up", 1)], []) == (
        "第三方",
        "third_party",
    )


def test_a_change_counts_only_where_it_was_made_before() -> None:
    late = Event(AT + dt.timedelta(minutes=5), "change", "i", "路由发布", by="vendor")
    assert (
        rank(HOSPITAL, FAILING, [late], AT, rules=RULES).suspects
        == rank(HOSPITAL, FAILING, [], AT, rules=RULES).suspects
    )


def test_one_computer_is_no_server_fault() -> None:
    calm = [series("i", "if.err", 0.004), series("f", "syn.fail", 0.001)]
    report = Event(AT - dt.timedelta(minutes=5), "report", "f", "就我这台读卡器没反应", data={"terminals": 1})
    assert verdict(calm, [report]) == ("客户端", "hospital")
    denied = Event(AT - dt.timedelta(minutes=5), "audit", "f", "拒绝：角色没有该权限", by="hospital")
    assert verdict(calm, [report, denied]) == ("用户操作", "hospital")
