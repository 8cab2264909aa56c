"""The page of the switchboard: plain HTML from this process, no script; for this machine only."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from html import escape
from importlib import resources
from itertools import groupby
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer
from aiohttp import web

from . import switchboard
from .board import BoardError, Running, board
from .catalogue import Definition, Parameter, combinations, definitions, search
from .keeper import sweep

MINUTES = (1, 5, 10, 30, 60, 120)
SEVERITY = {1: "① 灾难", 2: "② 严重", 3: "③ 一般"}
CHINA = ZoneInfo("Asia/Shanghai")
HOSTS = ("localhost", "127.0.0.1", "::1")


class Switchboard:
    """The pages and their forms; `token` guards the forms against other sites in the same browser."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(middlewares=[self.only_here])
        app.cleanup_ctx.append(self.sweeping)
        app.router.add_get("/", self.home)
        app.router.add_get("/truth", self.truth)
        app.router.add_get("/switchboard.css", self.style)
        app.router.add_get("/api/running", self.running)
        app.router.add_get("/api/truth", self.truth_rows)
        app.router.add_post("/start", self.start)
        app.router.add_post("/combine", self.combine)
        app.router.add_post("/stop", self.stop)
        return app

    async def sweeping(self, app: web.Application) -> AsyncIterator[None]:
        """While the page is open, take back every two seconds what nobody keeps any more."""

        async def again() -> None:
            while True:
                await asyncio.to_thread(sweep)
                await asyncio.sleep(2)

        task = asyncio.create_task(again())
        yield
        task.cancel()

    @web.middleware
    async def only_here(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Only for this machine, and only under its own name (a page elsewhere may not speak to it)."""
        if (request.url.host or "") not in HOSTS:
            raise web.HTTPForbidden(text="故障总控只在本机打开。")
        response: web.StreamResponse = await handler(request)
        response.headers["Content-Security-Policy"] = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
        response.headers["Cache-Control"] = "no-store"
        return response

    # ----- reading
    async def home(self, request: web.Request) -> web.Response:
        """All faults, those that are on first."""
        text = request.query.get("q", "").strip()
        sweep()
        running = board().running()
        found = list(search(text))
        parts = [
            _message(request),
            _running(running, self.token),
            _search(text, len(found)),
            *(_group(name, list(rows), running, self.token) for name, rows in groupby(found, lambda one: one.group)),
            "" if text else _combinations(self.token),
        ]
        return _page("故障总控", "".join(parts))

    async def truth(self, request: web.Request) -> web.Response:
        """The log of truth, newest first."""
        rows = list(reversed(board().episodes()))[:200]
        return _page("真相日志", _truth(rows))

    async def style(self, request: web.Request) -> web.Response:
        """The style sheet."""
        text = resources.files("simhospital").joinpath("data/switchboard.css").read_text("utf-8")
        return web.Response(text=text, content_type="text/css")

    async def running(self, request: web.Request) -> web.Response:
        """What is on, as JSON."""
        sweep()
        return web.json_response(
            [
                {"id": f.id, "code": f.name, "title": f.facts.get("title"), "since": f.since, "until": f.until,
                 "parameters": f.parameters, "combination": f.combination, "state": switchboard.state_of(f)[0]}
                for f in board().running()
            ]
        )  # fmt: skip

    async def truth_rows(self, request: web.Request) -> web.Response:
        """The log of truth as JSON, for scoring."""
        return web.json_response(board().episodes())

    # ----- acting
    async def _form(self, request: web.Request) -> dict[str, str]:
        form = {key: str(value) for key, value in (await request.post()).items()}
        if not secrets.compare_digest(form.pop("token", ""), self.token):
            raise web.HTTPForbidden(text="页面已过期，请刷新后再试。")
        return form

    async def start(self, request: web.Request) -> web.Response:
        """Start one fault."""
        form = await self._form(request)
        code, minutes = form.pop("code", ""), form.pop("minutes", "10")
        given = {key.removeprefix("p."): value for key, value in form.items() if key.startswith("p.")}

        def act() -> str:
            fault = switchboard.start(code, parameters=given, duration_s=_minutes(minutes) * 60, by="网页")
            return f"已开始 {fault.name} {fault.facts['title']}"

        return await _acted(request, act)

    async def combine(self, request: web.Request) -> web.Response:
        """Start a combination."""
        form = await self._form(request)

        def act() -> str:
            found, _ = switchboard.combine(form.get("code", ""), by="网页")
            return f"已开始组合 {found.code} {found.name}"

        return await _acted(request, act)

    async def stop(self, request: web.Request) -> web.Response:
        """Stop one fault, or all."""
        form = await self._form(request)

        def act() -> str:
            gone = switchboard.stop(form.get("which", ""))
            return f"已停止并撤回 {len(gone)} 个故障" if gone else "它已经结束了"

        return await _acted(request, act)


async def _acted(request: web.Request, act: Any) -> web.Response:
    try:
        message, kind = await asyncio.to_thread(act), "done"
    except BoardError as error:
        message, kind = str(error), "refused"
    raise web.HTTPSeeOther(f"/?{kind}={quote(message)}")


def _minutes(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BoardError("时长应填分钟数。") from None


# ----- HTML
def _page(title: str, body: str) -> web.Response:
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if name == title else ""}>{name}</a>'
        for path, name in (("/", "故障总控"), ("/truth", "真相日志"))
    )
    return web.Response(
        text=f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{title} · 模拟医院</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" '
        f'href="/switchboard.css"></head><body><header><strong>模拟医院</strong><nav>{links}</nav></header>'
        f"<main><h1>{title}</h1>{body}</main></body></html>",
        content_type="text/html",
    )


def _message(request: web.Request) -> str:
    for kind, mark in (("done", "✓"), ("refused", "✕")):
        if text := request.query.get(kind):
            return f'<p class="message {kind}" role="status">{mark} {escape(text)}</p>'
    return ""


def _left(fault: Running) -> str:
    now = time.time()
    seconds = int(max(0, (fault.since if fault.since > now else fault.until) - now))
    span = f"{seconds // 60} 分 {seconds % 60:02d} 秒"
    return f"{span}后开始" if fault.since > now else f"还有 {span}"


def _button(action: str, label: str, token: str, style: str = "", **fields: str) -> str:
    hidden = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in fields.items())
    return (
        f'<form method="post" action="{action}"><input type="hidden" name="token" value="{token}">{hidden}'
        f'<button class="{style}">{label}</button></form>'
    )


def _running(running: list[Running], token: str) -> str:
    stuck = "".join(
        f'<p class="message refused">✕ {escape(row["code"])} 已到时，还撤不下来：{escape(row["text"])}</p>'
        for row in switchboard.stuck()
    )
    if not running:
        return f'{stuck}<p class="calm">○ 现在一切正常，没有故障在进行。</p>'
    rows = "".join(
        f"<tr><td><b>{escape(f.name)}</b> {escape(str(f.facts.get('title', '')))}"
        f"{f' <small>组合 {escape(f.combination)}</small>' if f.combination else ''}</td>"
        f"<td>{escape(_given(f))}</td><td>{_left(f)}</td><td>{_button('/stop', '停止', token, which=f.id)}</td></tr>"
        for f in running
    )
    every = _button("/stop", "全部停止", token, which="all") if len(running) > 1 else ""
    return (
        f'{stuck}<section class="on"><div class="head"><h2>● 正在进行 {len(running)} 个</h2>{every}</div><table><thead><tr><th>故障</th>'
        f"<th>参数</th><th>时间</th><th></th></tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _given(fault: Running) -> str:
    labels = {p.name: p.label for p in switchboard.definition_of(fault).parameters}
    return "；".join(f"{labels.get(k, k).split('（')[0]} {v}" for k, v in fault.parameters.items() if v != "") or "—"


def _search(text: str, count: int) -> str:
    return (
        '<form class="search" method="get" action="/"><input type="search" name="q" placeholder="搜索：代码、用户的话、'
        f'信号，如 单边账、db.blocked" value="{escape(text)}" aria-label="搜索故障"><button>搜索</button>'
        f"<span>{count} 个故障</span></form>"
    )


def _group(name: str, rows: list[Definition], running: Iterable[Running], token: str) -> str:
    on = {fault.name for fault in running}
    cards = "".join(_card(one, one.code in on, token) for one in rows)
    return f"<section><h2>{escape(name)} <small>{len(rows)}</small></h2>{cards}</section>"


def _card(one: Definition, on: bool, token: str) -> str:
    chosen = min(MINUTES, key=lambda minutes: abs(minutes - one.minutes))
    choices = "".join(f'<option value="{m}"{" selected" if m == chosen else ""}>{m} 分钟</option>' for m in MINUTES)
    fields = "".join(_field(parameter) for parameter in one.parameters)
    form = (
        '<p class="state">● 正在进行</p>'
        if on
        else f'<form method="post" action="/start"><input type="hidden" name="token" value="{token}">'
        f'<input type="hidden" name="code" value="{one.code}">{fields}<label>时长<select name="minutes">{choices}'
        "</select></label><button>开始</button></form>"
    )
    signals = "".join(f"<code>{escape(signal)}</code>" for signal in one.signals)
    return (
        f"<details{' class=active' if on else ''}><summary><b>{one.code}</b> {escape(one.name)}"
        f"<small>{escape(one.layer)} · {escape(one.party)} · {SEVERITY[one.severity]}</small></summary>"
        f"<dl><dt>用户会说</dt><dd>{escape(one.words)}</dd><dt>做什么</dt><dd>{escape(one.does)}</dd>"
        f"<dt>怎样撤回</dt><dd>{escape(one.undone)}</dd><dt>会动的信号</dt><dd>{signals}</dd></dl>{form}</details>"
    )


def _field(parameter: Parameter) -> str:
    name, label = f"p.{parameter.name}", escape(parameter.label)
    if parameter.choices:
        options = "".join(
            f"<option{' selected' if word == parameter.default else ''}>{escape(word)}</option>"
            for word in parameter.choices
        )
        return f'<label>{label}<select name="{name}">{options}</select></label>'
    number = isinstance(parameter.default, (int, float))
    bounds = f' type="number" step="any" min="{parameter.least}" max="{parameter.most}"' if number else ""
    return f'<label>{label}<input name="{name}" value="{escape(str(parameter.default))}"{bounds}></label>'


def _combinations(token: str) -> str:
    rows = "".join(
        f"<details><summary><b>{one.code}</b> {escape(one.name)}<small>{escape(one.kind)} · {one.minutes} 分钟</small>"
        f"</summary><dl><dt>故障</dt><dd>{escape(_steps(one.steps))}</dd><dt>陷阱</dt><dd>{escape(one.trap)}</dd>"
        f"<dt>答案</dt><dd>{escape(one.answer)}</dd></dl>{_button('/combine', '开始', token, code=one.code)}</details>"
        for one in combinations().values()
    )
    return f"<section><h2>组合 <small>{len(combinations())}</small></h2>{rows}</section>"


def _steps(steps: Any) -> str:
    return "，".join(
        f"{step.fault} {definitions()[step.fault].name}{f'（{step.after_s} 秒后）' if step.after_s else ''}"
        for step in steps
    )


def _truth(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return '<p class="calm">还没有出过故障。</p>'
    lines = []
    for row in rows:
        since = datetime.fromisoformat(row["since"]).astimezone(CHINA)
        waits = "等待开始" if since.timestamp() > time.time() else "进行中"
        until = f"{datetime.fromisoformat(row['to']).astimezone(CHINA):%H:%M:%S}" if row["to"] else waits
        did = "".join(f"<li><code>{escape(_short(step))}</code></li>" for step in row["did"][:50])
        done = f"<details><summary>{len(row['did'])} 件</summary><ul>{did}</ul></details>" if row["did"] else "—"
        lines.append(
            f"<tr><td>{since:%m-%d %H:%M:%S} — {until}</td><td><b>{escape(row['name'])}</b> "
            f"{escape(str(row.get('title', '')))}</td><td>{escape(str(row.get('layer', '')))} · "
            f"{escape(str(row.get('party', '')))}</td><td>{escape(row.get('by') or '—')}</td><td>{done}</td></tr>"
        )
    return (
        '<p>真正出了什么故障、何时开始何时结束、做了什么，供判断和对账打分。<a href="/api/truth">JSON</a></p>'
        "<table><thead><tr><th>时间</th><th>故障</th><th>层 · 责任方</th><th>谁开的</th><th>做了什么</th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _short(step: dict[str, Any]) -> str:
    return "，".join(f"{key}={value}" for key, value in step.items() if key != "at")[:300]


def run(host: str, port: int) -> None:
    """Serve the page until Ctrl+C. Raises BoardError where the address is not this machine's own."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise BoardError("故障总控只能在本机打开，监听地址用 127.0.0.1。")
    typer.echo(f"故障总控：http://{host}:{port}/")
    web.run_app(Switchboard().application(), host=host, port=port, print=None, access_log=None)
