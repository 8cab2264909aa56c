"""`simhospital centre`: the insurance centre as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from datetime import datetime
from typing import Annotated

import typer

from simhospital import settings as hospital_settings
from simhospital.home import announce, home

from .profile import profiles

app = typer.Typer(help="医保中心：国家医保接口的模拟中心。")


@app.command("run")
def run(
    port: Annotated[int, typer.Option(help="监听端口，0 为任意空闲端口。")] = 27010,
    host: Annotated[str, typer.Option(help="监听地址。")] = "127.0.0.1",
    profile: Annotated[str, typer.Option(help="地区：" + "、".join(profiles()))] = "guangyuan",
    latency: Annotated[float, typer.Option(help="应答快慢：1 如实，0 立即。")] = 1.0,
    tls_port: Annotated[int, typer.Option(help="另以 TLS 监听的端口，-1 为不开。")] = -1,
) -> None:
    """运行医保中心，直到按下 Ctrl+C；结算都落盘，随时可以强行结束。"""
    from .server import start

    async def serve() -> None:
        announce("centre")
        done = asyncio.Event()
        for which in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(which, done.set)
        centre = await start(
            host, port, profile_name=profile, latency=latency, tls_port=tls_port if tls_port >= 0 else None
        )
        typer.echo(f"医保中心（{centre.centre.profile.name}）：{centre.url}")
        if centre.tls_port:
            typer.echo(f"TLS：https://{host}:{centre.tls_port}")
        await done.wait()
        await centre.stop()

    if profile not in profiles():
        typer.echo(f"没有地区“{profile}”，可选：{'、'.join(profiles())}。", err=True)
        raise typer.Exit(2)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


@app.command("show")
def show(infno: Annotated[str, typer.Argument(help="交易编号，如 2207；不写则列出全部。")] = "") -> None:
    """列出所支持的交易，或一个交易的字段表。"""
    from .tables import interfaces

    if infno and infno not in interfaces():
        typer.echo(f"没有交易 {infno}。", err=True)
        raise typer.Exit(2)
    for one in interfaces().values():
        if not infno:
            typer.echo(f"{one.infno}  {one.name}")
        elif one.infno == infno:
            for side, nodes in (("输入", one.input), ("输出", one.output)):
                for node in nodes:
                    typer.echo(f"{side} {node.name}{'（多行）' if node.many else ''}")
                    for field in node.fields:
                        must = "必填" if field.required else "    "
                        typer.echo(
                            f"  {must} {field.name:<26}{field.kind} {field.length:<6}{field.label} {field.codes}"
                        )


@app.command("account")
def show_account() -> None:
    """写出接入账号在哪里，供集成平台代签和自己查询用。"""
    from .signing import account

    place = home() / "insurance-account.json"
    account(place)
    for label, field in (("SM2 私钥", "sm2_private"), ("访问账号", "access_key"), ("访问密钥", "secret")):
        typer.echo(f"{label}：file:{place}#{field}")


@app.command("statement")
def statement(
    day: Annotated[str, typer.Argument(help="哪一天，如 2026-11-24；不写为今天。")] = "",
    url: Annotated[str, typer.Option(help="经哪里调用，默认集成平台的医保入口。")] = "",
) -> None:
    """用医院自己的账与中心对总账（3201），不平的对明细（3202）。"""
    from .book import CHINA
    from .line import Caller, LineError
    from .stays import StayClient

    settings = hospital_settings.load()
    wanted = day or f"{datetime.now(CHINA):%Y-%m-%d}"

    async def compare() -> bool:
        caller = Caller(settings.organisation, settings.name, "0009", "医保办")
        client = StayClient(url or f"{settings.http}/yb", caller=caller)
        try:
            statements = await client.statements(wanted)
            for one in statements:
                word = "平" if one.agrees else f"不平：{one.text}"
                typer.echo(f"险种 {one.insutype} 清算类别 {one.clr_type}：{one.count} 笔 {one.total} 元，{word}")
            for clr_type in sorted({one.clr_type for one in statements if not one.agrees}):
                for row in await client.details(wanted, clr_type):
                    if row[4] != client.profile.statement["equal"]:
                        typer.echo(f"  报文 {row[3]} 结算 {row[2]} 金额 {row[7]}：{row[6]}")
            if not statements:
                typer.echo(f"{wanted} 没有医保结算。")
            return all(one.agrees for one in statements)
        finally:
            await client.close()

    try:
        agrees = asyncio.run(compare())
    except LineError as error:
        typer.echo(error.text, err=True)
        raise typer.Exit(2) from None
    if not agrees:
        raise typer.Exit(1)
