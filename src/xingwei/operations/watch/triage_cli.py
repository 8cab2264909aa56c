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


@app.command()
def check(path: Annotated[Path, typer.Argument(help="责任清单的 YAML 文件。")]) -> None:
    """检查责任清单文件，列出全部问题。"""
    from xingwei.base.ui.datafiles import FileProblems, decode

    from .responsibility import check as checked

    try:
        rows = checked(path.name, decode(path.read_bytes()))
    except FileNotFoundError:
        raise typer.BadParameter(f"没有这个文件：{path}") from None
    except FileProblems as problems:
        typer.echo(str(problems), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"没有发现问题，{len(rows)} 条。")


@app.command("import")
def import_(path: Annotated[Path, typer.Argument(help="责任清单的 YAML 文件。")]) -> None:
    """导入责任清单为草案；双方在页面上确认后生效。内容没变的不产生新版本。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.base.ui.datafiles import FileProblems

    from .services.responsibility import import_list

    try:
        row = import_list(system_actor("cli"), path)
    except FileProblems as problems:
        typer.echo(str(problems), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{row}：{len(row.rows)} 条，{row.get_state_display()}。")


@app.command()
def judge(
    said: Annotated[str, typer.Argument(help="用户的原话。")] = "",
    path: Annotated[str, typer.Option("--path", help="检查指引的代号。")] = "",
    case: Annotated[str, typer.Option("--case", help="问题单编号。")] = "",
) -> None:
    """判定是谁的问题，打印嫌疑排序；同时记下，可在页面上打开。"""
    from xingwei.base.policy.engine import system_actor
    from xingwei.service.desk.models import Case

    from .services.base import WatchRefused
    from .services.triage import judge as judged

    row = Case.objects.filter(number=case).first() if case else None
    if case and row is None:
        raise typer.BadParameter(f"没有编号为 {case} 的问题单。")
    try:
        verdict = judged(system_actor("cli"), case=row, said=said, path=path)
    except WatchRefused as refusal:
        typer.echo(f"做不了：{refusal}", err=True)
        raise typer.Exit(2) from None
    named = "没有发现异常" if verdict.document["quiet"] else "未知" if verdict.unknown else verdict.suspect
    typer.echo(f"判定：{named}（用时 {verdict.took_ms / 1000:.1f} 秒，{verdict.get_absolute_url()}）")
    for i, s in enumerate(verdict.document["suspects"][:5], 1):
        typer.echo(f"  {i}. {s['label']}  {s['layer']}  {s['owner_name'] or s['owner']}  {100 * s['score']:.0f} %")


@app.command()
def again() -> None:
    """用现在的引擎和责任清单重判每一个被人改判过的案例；还有判错的，退出码 1。"""
    from .engine.triage import rank as ranked
    from .queries.triage import regression, rules_in_force
    from .snapshots import unpacked

    rules = rules_in_force()[1]
    missed = 0
    cases = regression()
    for row in cases:
        graph, series, events, at = unpacked(row.snapshot.inputs)
        first = ranked(graph, series, events, at, rules=rules).first
        hit = first is not None and (first.layer, first.owner) == (row.actual_layer, row.actual_owner)
        missed += not hit
        said = f"{first.layer} {first.owner}" if first else "未知"
        typer.echo(
            f"{'对' if hit else '错'}  {row.pk}  {row.symptom}：应为 {row.actual_layer} {row.actual_owner}，判 {said}"
        )
    typer.echo(f"{len(cases) - missed} / {len(cases)} 判对。")
    raise typer.Exit(1 if missed else 0)
