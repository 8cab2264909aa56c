"""The processes that `xingwei up` keeps running. A new one needs a line here and a command of that name."""

from __future__ import annotations

import http.client
import sys

from psycopg.conninfo import make_conninfo

from xingwei.base.runtime.config import Config
from xingwei.base.runtime.supervisor import Child


def children(config: Config, *, hospital_url: str = "") -> tuple[Child, ...]:
    """hospital_url: of the server that the demonstration's simulated hospital may keep its databases on; "": none."""
    return (
        Child("web", "网页服务", ("web",), healthy=lambda: web_answers(config)),
        Child("worker", "后台任务", ("worker",)),
        Child("gateway", "接口网关", ("gateway", "run"), healthy=gateway_answers),
        Child("watch", "监测", ("watch", "run"), healthy=watch_answers),
        *((simulated_hospital(config, hospital_url),) if hospital_url else ()),
    )


def simulated_hospital(config: Config, url: str) -> Child:
    """A separate program that knows Xingwei by wire only; it must not stand between people and the product."""
    env = {
        "SIMHOSPITAL_HOME": str(config.home / "simhospital"),
        "SIMHOSPITAL_DATABASE_URL": make_conninfo(url, dbname="simhospital"),
    }
    return Child("hospital", "模拟医院", ("up",), program=(sys.executable, "-m", "simhospital"), env=env, needed=False)


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


def watch_answers() -> bool:
    """Has the watching process said within the last seconds that it lives?"""
    from xingwei.operations.watch.runner.overview import alive

    return alive("watch-1")
