"""xingwei notify …"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Annotated
from urllib.parse import urlsplit

import typer

_SMTP_HELP = (
    "发邮件的服务器：smtps://账号@主机:465 或 smtp+starttls://账号@主机:587；"
    "密码写在环境变量 XINGWEI_RELAY_SMTP_PASSWORD"
)

NO_DATABASE = frozenset({"relay"})  # runs on a machine that has none

app = typer.Typer(help="通知：发送、收信、中转。", no_args_is_help=True)


@app.command()
def deliver() -> None:
    """把待发的通知立刻发一轮（平时由后台自动发送）。"""
    from .delivery.running import run

    typer.echo(f"处理了 {run()} 条。")


@app.command()
def receive() -> None:
    """从标准输入收一封邮件（RFC 822 原文），供邮件服务器的管道投递使用。"""
    from xingwei.base.policy.engine import system_actor

    from .services.base import Refused
    from .services.inbound import deliver_mail

    try:
        row, new = deliver_mail(system_actor("command"), sys.stdin.buffer.read())
    except Refused as why:
        typer.echo(str(why), err=True)
        raise typer.Exit(1) from why
    typer.echo(f"{'已收下' if new else '以前收过'}：第 {row.pk} 号，{row.get_state_display()}。")


@app.command()
def fetch() -> None:
    """到邮箱里收一次信（平时每分钟自动收）。"""
    from .inbound.fetching import fetch as run
    from .models import MailServer

    n = run()
    row = MailServer.objects.filter(pk=1).first()
    if row is None or not row.protocol:
        typer.echo("没有配置收信。请在“通知渠道 → 邮件”里设置。", err=True)
        raise typer.Exit(1)
    if row.in_error:
        typer.echo(row.in_error, err=True)
        raise typer.Exit(1)
    typer.echo(f"收到 {n} 封新信。")


@app.command()
def relay(
    source: Annotated[str, typer.Option("--from", help="杏维的地址，例如 https://xw.hospital.cn")],
    code: Annotated[str, typer.Option(help="中转的代码，与“通知渠道”里的一致")],
    token: Annotated[str, typer.Option(envvar="XINGWEI_RELAY_TOKEN", help="API 令牌；写在环境变量里更稳妥")],
    allow: Annotated[list[str] | None, typer.Option(help="另外允许访问的主机，可写多次，例如短信网关")] = None,
    smtp: Annotated[
        str,
        typer.Option(help=_SMTP_HELP),
    ] = "",
    ca: Annotated[str, typer.Option(help="杏维证书的签发机构文件（自签证书时）")] = "",
    every: Annotated[float, typer.Option(min=1, max=60, help="隔几秒来取一次")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="只取一次就退出")] = False,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="允许不加密的 http 地址（令牌会明文传输）")] = False,
) -> None:
    """在能上网的机器上运行：从杏维取走要发的通知，发出去，报告结果。

    只访问企业微信、钉钉、飞书，以及用 --allow 放行的主机。成功与否由杏维按对方的答复判断。
    """
    from .channels.relay.client import RelayClient, RelayError

    parts = urlsplit(source)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise typer.BadParameter("应是 https:// 开头的地址", param_hint="--from")
    if parts.scheme == "http" and not plain_http and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise typer.BadParameter("令牌不能在不加密的连接上传输；确实要用请加 --plain-http", param_hint="--from")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _inside(source, token, ca) as inside:
        client = RelayClient(inside, code, _smtp(smtp), frozenset(allow or ()))
        failing = ""
        while not stop.is_set():
            try:
                n = client.step()
                failing = ""
                if n or once:
                    typer.echo(f"发送了 {n} 条。")
            except RelayError as error:
                if str(error) != failing:  # said once, not every five seconds
                    typer.echo(str(error), err=True)
                failing = str(error)
                n = 0
            if once:
                raise typer.Exit(1 if failing else 0)
            if not n:
                stop.wait(every)


def _inside(source, token: str, ca: str):  # type: ignore[no-untyped-def]
    import ssl

    import httpx

    headers = {"Authorization": f"Bearer {token}"}
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca) if ca else True
    return httpx.Client(base_url=source, headers=headers, timeout=20.0, verify=verify)


def _smtp(text: str):  # type: ignore[no-untyped-def]
    from urllib.parse import unquote

    from .engine.wire import SmtpServer

    if not text:
        return None
    parts = urlsplit(text)
    kinds = {"smtps": ("tls", 465), "smtp+starttls": ("starttls", 587), "smtp": ("none", 25)}
    if parts.scheme not in kinds or not parts.hostname:
        raise typer.BadParameter("应写成 smtps://账号@主机:465", param_hint="--smtp")
    security, port = kinds[parts.scheme]
    password = os.environ.get("XINGWEI_RELAY_SMTP_PASSWORD", "")
    return SmtpServer(parts.hostname, parts.port or port, security, unquote(parts.username or ""), password)
