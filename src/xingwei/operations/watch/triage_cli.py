"""xingwei triage …: rank suspects on any data; run the corrected verdicts again. `rank` needs neither Django nor the
database: it is the engine with files in front of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="故障定责：对任何数据排嫌疑，重跑被人改判过的案例。", no_args_is_help=True)
NO_DATABASE = frozenset({"rank", "check"})


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise typer.BadParameter(f"{what}“{path}”不存在。") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise typer.BadParameter(f"{what}“{path}”读不出来：应是 UTF-8 文本（{problem.__class__.__name__}）。") from None


@app.command()
def rank(
    metrics: Annotated[Path, typer.Option("--metrics", help="CSV：一列 time，其余各列“服务_指标”。")],
    at: Annotated[str, typer.Option("--at", help="哪个时刻：秒、毫秒，或 2026-03-18T09:49:00。")],
    graph: Annotated[
        Path | None, typer.Option("--graph", help="依赖图：JSON 或 CSV（调用方,被调用方）；没有就只看指标。")
    ] = None,
    since: Annotated[str, typer.Option("--since", help="已知从哪个时刻开始异常；没有就自己找。")] = "",
    top: Annotated[int, typer.Option("--top", min=1, max=50, help="列出前几名。")] = 5,
) -> None:
    """对公开的根因定位数据（每个服务的指标加调用图）排出嫌疑，打印 JSON。只看这个时刻以前的数据。"""
    from .engine.triage import published
    from .engine.triage.ranking import rank as ranked

    try:
        known = published.graph(_text(graph, "依赖图")) if graph else None
        series = published.metrics(_text(metrics, "指标文件"), known.nodes if known else ())
        moment = published.moment(at)
        began = published.moment(since) if since else None
        if not any(s.times[0] <= moment.timestamp() for s in series):
            raise published.FormatProblem(f"时刻 {at} 早于指标的第一行，没有可看的数据")
    except published.FormatProblem as problem:
        typer.echo(f"做不了：{problem}。", err=True)
        raise typer.Exit(2) from None
    verdict = ranked(published.with_services(known, series), series, [], moment, since=began)
    suspects = [
        {
            "rank": i,
            "node": s.node,
            "layer": s.layer,
            "owner": s.owner,
            "score": round(s.score, 4),
            "parts": {k: round(v, 4) for k, v in s.parts.items()},
            "metric": next((e.signal for e in s.evidence if e.signal and e.node == s.node), ""),
            "onset": s.onset.isoformat() if s.onset else None,
            "why": s.why,
        }
        for i, s in enumerate(verdict.suspects[:top], 1)
    ]
    out = {"at": moment.isoformat(), "unknown": verdict.unknown, "unknown_score": round(verdict.unknown_score, 4)}
    typer.echo(json.dumps(out | {"causes": verdict.causes, "suspects": suspects}, ensure_ascii=False, indent=2))
