"""The doors at which a monitor asks: one HTTP server a system for health and functions, one for machines and lists.

A system's own faults close its door, delay its answer or spoil it, as at its other ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from aiohttp import web

from simhospital.centre.client import InsuranceClient
from simhospital.faults import board
from simhospital.life import points
from simhospital.life.world import CHINA, now
from simhospital.settings import Settings

from . import changes, files, functions
from .measures import Active, document, measure

SYSTEMS = ("his", "cis", "emr", "lis")
VERSIONS = {"his": "6.2.8", "cis": "5.4.1", "emr": "4.0.3", "lis": "6.3.1"}
MARK = "X-Synthetic"


def on() -> list[Active]:
    """The faults that are on now."""
    return [
        Active(f.name, datetime.fromtimestamp(f.since, CHINA).replace(tzinfo=None))
        for f in board.board().running()
        if f.since <= time.time()
    ]


class Vitals:
    """Everything that can be measured of one hospital. insurance: how the cashier reaches the insurer, if at all."""

    def __init__(self, settings: Settings, place: Path, insurance: InsuranceClient | None = None) -> None:
        self.settings = settings
        self.home = place
        ports = {**settings.gateway, "lis": settings.own["lis"]}
        self.place = functions.Place(settings.database_url, settings.host, ports, insurance)
        self.ports: dict[str, int] = {}
        self.asked = 0
        self.began = time.monotonic()
        self._runners: dict[str, web.AppRunner] = {}

    # ----- doors
    async def start(self) -> list[str]:
        """Open every door; in words, which ports are taken."""
        await asyncio.to_thread(files.certificates, self.home)
        troubles = []
        for name in ("vitals", *(f"web-{s}" for s in SYSTEMS)):
            try:
                await self._open(name)
            except OSError as error:
                troubles.append(f"端口 {self.settings.own[name]} 用不了（{error.strerror or error}），过后再试")
        return troubles

    async def _open(self, name: str) -> None:
        app = web.Application()
        system = name.removeprefix("web-")
        app.router.add_routes(self._lists() if name == "vitals" else self._system(system))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, self.settings.host, self.settings.own[name])
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runners[name] = runner
        self.ports[name] = runner.addresses[0][1]

    async def run(self) -> None:
        """Keep the doors as their systems are, write logs by the minute and backups by night, until cancelled."""
        minute = -1
        try:
            while True:
                for system in SYSTEMS:
                    await self._keep(system)
                at = now()
                if at.minute != minute:
                    minute = at.minute
                    await asyncio.to_thread(self._minute, at)
                await asyncio.sleep(0.5)
        finally:
            for name in list(self._runners):
                await self._close(name)

    async def _keep(self, system: str) -> None:
        name = f"web-{system}"
        down = points.active("system-down", system) is not None
        if down and name in self._runners:
            await self._close(name)
        elif not down and name not in self._runners:
            with contextlib.suppress(OSError):
                await self._open(name)

    async def _close(self, name: str) -> None:
        runner = self._runners.pop(name, None)
        if runner is not None:
            await runner.cleanup()

    def _minute(self, at: datetime) -> None:
        faults = on()
        words = {_app(f.code): document()["errors"][f.code] for f in faults if f.code in document()["errors"]}
        with contextlib.suppress(OSError):
            files.chatter(self.home, at, measure(at, faults, self.settings.traffic.seed, "app.err"), words)
        if self.settings.database_url and not any(f.code in {"OS01", "DB08", "DB10", "DB16"} for f in faults):
            for code in files.due(self.home, at):
                with contextlib.suppress(psycopg.Error, OSError):
                    files.backup(self.settings.database_url, self.home, code, at)

    # ----- a system
    def _system(self, system: str) -> list[web.RouteDef]:
        async def health(request: web.Request) -> web.StreamResponse:
            return await self._spoilt(request, system) or self._health(system)

        async def act(request: web.Request) -> web.StreamResponse:
            return await self._spoilt(request, system) or await self._act(request, system)

        return [web.get("/health", health), web.post("/synthetic/{code}", act)]

    async def _spoilt(self, request: web.Request, system: str) -> web.StreamResponse | None:
        if points.active("http-lose", system) and request.transport is not None:
            request.transport.abort()
            return web.Response(status=500)
        slow = points.active("http-slow", system)
        if slow:
            await asyncio.sleep(float(slow.get("seconds", 3)))
        return None

    def _health(self, system: str) -> web.Response:
        node = f"{system.upper()}-APP"
        figures = {
            m.series: m.value for m in measure(now(), on(), self.settings.traffic.seed, "app.") if m.node == node
        }
        sick = figures.get("app.pool", 0) >= 100 or figures.get("app.err", 0) > 20
        body = {
            "system": system, "status": "degraded" if sick else "ok", "version": self._version(system),
            "uptime_s": round(time.monotonic() - self.began), "figures": figures,
        }  # fmt: skip
        return web.json_response(body, status=503 if sick else 200)

    def _version(self, system: str) -> str:
        upgraded = {"AP01": ("cis", "2.7.1"), "AP04": ("cis", "2.7.2")}
        return next((v for f in on() for s, v in [upgraded.get(f.code, ("", ""))] if s == system), VERSIONS[system])

    async def _act(self, request: web.Request, system: str) -> web.Response:
        code = request.match_info["code"]
        known = {r["code"] for r in document()["functions"] if r["system"] == system}
        if code not in known:
            return web.json_response({"error": f"这里没有“{code}”，有：{'、'.join(sorted(known))}"}, status=404)
        if not request.headers.get(MARK):
            return web.json_response({"error": f"这里只办带标记的拨测业务，请求头要有 {MARK}"}, status=403)
        self.asked += 1
        found = await functions.run(code, self.place)
        return web.json_response(found, status=200 if found["ok"] else 503)

    # ----- machines and lists
    def _lists(self) -> list[web.RouteDef]:
        return [
            web.get("/measures", self._measures),
            web.get("/hosts", self._hosts),
            web.get("/hosts/{node}", self._hosts),
            web.get("/processes", self._processes),
            web.get("/changes", self._changes),
            web.get("/notices", self._notices),
            web.get("/files", self._files),
            web.get("/functions", self._functions),
        ]

    async def _measures(self, request: web.Request) -> web.Response:
        at = now()
        found = measure(at, on(), self.settings.traffic.seed, request.query.get("series", ""))
        node = request.query.get("node", "")
        return _json(at, [asdict(m) for m in found if not node or m.node == node])

    async def _hosts(self, request: web.Request) -> web.Response:
        at, wanted = now(), request.match_info.get("node", "")
        hosts: dict[str, dict[str, float]] = {}
        for m in measure(at, on(), self.settings.traffic.seed, "host."):
            hosts.setdefault(m.node, {})[m.series.removeprefix("host.")] = m.value
        if wanted and wanted not in hosts:
            return web.json_response({"error": f"没有主机 {wanted}，有：{'、'.join(hosts)}"}, status=404)
        rows = [{"node": node, **figures} for node, figures in hosts.items() if wanted in ("", node)]
        return _json(at, rows)

    async def _processes(self, request: web.Request) -> web.Response:
        rows = []
        for p in document()["processes"]:
            pid = files.read_pid(self.home, p["pid_of"])
            state = "absent"
            with contextlib.suppress(psutil.Error):
                if pid:
                    state = psutil.Process(pid).status()
            rows.append({"name": p["name"], "host": p["host"], "pid": pid, "state": state})
        return _json(now(), rows)

    async def _changes(self, request: web.Request) -> web.Response:
        hours = min(24 * 30.0, float(request.query.get("hours", "72") or 72))
        at = now()
        return _json(at, changes.events(at, on(), hours, self.settings.traffic.seed))

    async def _notices(self, request: web.Request) -> web.Response:
        at = now()
        return _json(at, changes.notices(at, on()))

    async def _files(self, request: web.Request) -> web.Response:
        return _json(now(), await asyncio.to_thread(self._found_files))

    def _found_files(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for kind in ("backups", "certs", "logs"):
            for path in sorted((self.home / kind).rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    age = time.time() - path.stat().st_mtime
                    found.append({"kind": kind, "path": str(path), "bytes": path.stat().st_size, "age_s": round(age)})
        return found

    async def _functions(self, request: web.Request) -> web.Response:
        host = self.settings.host
        rows = []
        for r in document()["functions"]:
            port = self.ports.get(f"web-{r['system']}", 0)
            rows.append({**r, "url": f"http://{host}:{port}/synthetic/{r['code']}"})
        return _json(now(), rows)


def _json(at: datetime, rows: Sequence[Any]) -> web.Response:
    return web.json_response({"at": f"{at:%Y-%m-%dT%H:%M:%S}+08:00", "rows": list(rows)})


def _app(code: str) -> str:
    """The program in whose log a fault shows."""
    hit = [node for series, node, _ in document()["effects"].get(code, ()) if series == "app.err"]
    return hit[0] if hit else ""
