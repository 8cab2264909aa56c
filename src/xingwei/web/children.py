"""The processes that `xingwei up` keeps running. A new one needs a line here and a command of that name."""

from __future__ import annotations

import http.client

from xingwei.base.runtime.config import Config
from xingwei.base.runtime.supervisor import Child


def children(config: Config) -> tuple[Child, ...]:
    return (
        Child("web", "网页服务", ("web",), healthy=lambda: web_answers(config)),
        Child("worker", "后台任务", ("worker",)),
        Child("gateway", "接口网关", ("gateway", "run"), healthy=gateway_answers),
    )


def web_answers(config: Config, timeout_s: float = 3) -> bool:
    """Does the web server answer and reach its database?"""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.bind, config.bind)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(host, config.port, timeout=timeout_s)
    name = host if config.hosts == ("*",) else config.hosts[0].lstrip(".*")
    try:
        connection.request("GET", "/healthz", headers={"Host": name})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def gateway_answers() -> bool:
    """Has the gateway's process said within the last seconds that it lives?"""
    from xingwei.operations.gateway.runner.overview import alive

    return alive("gw-1")
