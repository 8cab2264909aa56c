"""The page of those who keep the installation running."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from xingwei.base.runtime import backup, state
from xingwei.base.ui.views import Act, Page

from . import health, queue, services


class Processes(Page):
    permission = "web.upkeep:view"
    template_name = "web/processes.html"
    title = "运行与备份"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        config = settings.CONFIG
        work = queue.state()
        found = list(health.findings(work))
        return super().get_context_data(**kwargs) | {
            "findings": sorted(found, key=lambda f: (health.BAD, health.WARN, health.OK).index(f.state)),
            "children": _children(),
            "queue": work,
            "failed": queue.failed(),
            "backups": backup.kept(config.backups),
            "directory": config.backups,
        }


class RetryJob(Act):
    permission = services.PERMISSION

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        return f"已重新排队：{services.retry_job(self.actor, kwargs['job_id'])}"


class BackUp(Act):
    permission = services.PERMISSION

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.ask_for_backup(self.actor)
        return "已开始备份，完成后出现在下面的表里"


def _children() -> list[dict[str, Any]]:
    """The supervisor's children; none where systemd or containers run the processes."""
    running = state.read(settings.CONFIG)
    return [
        {
            "label": child.label,
            "pid": child.pid,
            "since": dt.datetime.fromtimestamp(child.started_at, dt.UTC) if child.started_at else None,
            "restarts": child.restarts,
            "last_exit": child.last_exit,
        }
        for child in (running.children if running else [])
    ]
