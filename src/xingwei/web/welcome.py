"""What `xingwei up` says once everything answers."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xingwei.base.runtime.config import LOOPBACK, Config

from . import demo
from .prepared import Account

_TRY = (
    ("wang", "工作台看什么最急，按 N 电话快录一件新问题"),
    ("zhou", "打开“接口网关”看医院的消息；到故障总控 http://127.0.0.1:27080 停掉医保中心，看收费照常"),
    ("he", "打开“合同”，看每一条在哪里落实"),
)


def welcome(config: Config, took: float, accounts: list[Account]) -> RenderableType:
    parts: list[RenderableType] = [
        Text(),
        Text.assemble(("杏维已就绪", "bold green"), f"（{took:.1f} 秒）  ", (config.public_url, "bold underline")),
    ]
    if accounts:
        parts += [Text(), Text(f"演示账号，密码都是 {demo.PASSWORD}"), _accounts(accounts)]
        if config.bind not in LOOPBACK:
            parts.append(Text("别的机器也能访问，而这些密码人人知道：只供演示，正式使用请加 --empty。", style="yellow"))
        known = {user.username: user for user in accounts}
        parts += [Text(), Text("可以先试三件事：")]
        parts += [
            Text(f"  {number}. 以 {name}（{known[name].title}）登录：{what}")
            for number, (name, what) in enumerate(_TRY, start=1)
            if name in known
        ]
    parts += [Text(), Text("按 Ctrl+C 停止。", style="dim")]
    return Group(*parts)


def _accounts(accounts: list[Account]) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    for user in accounts:
        table.add_row(user.username, user.name, user.title)
    return table
