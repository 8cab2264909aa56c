"""`simhospital centre`: the insurance centre as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Annotated

import typer

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
