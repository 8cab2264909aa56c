"""pytest plugin: a real PostgreSQL of its own for each test session, people of every role, query budgets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from xingwei.testing.browser import browse, chromium, page, phone  # noqa: F401 - fixtures

_cluster: Path | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any, parser: Any, args: Any) -> None:
    """Before Django reads its settings. Workers of xdist inherit the address from the first process."""
    global _cluster
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xingwei.testing.settings")
    if "XINGWEI_TEST_HOME" in os.environ:
        if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # files of its own, as it has a database of its own
            os.environ["XINGWEI_HOME"] = str(Path(os.environ["XINGWEI_TEST_HOME"]) / worker)
            Path(os.environ["XINGWEI_HOME"]).mkdir(exist_ok=True)
        return
    from xingwei.testing import template

    _cluster = Path(tempfile.mkdtemp(prefix="xingwei-test-"))
    os.environ["XINGWEI_TEST_HOME"] = os.environ["XINGWEI_HOME"] = str(_cluster)
    os.environ["DATABASE_URL"] = template.start(_cluster)


def _let_tests_flush() -> None:
    """Transactional tests empty every table when they end; the journal's triggers refuse that to all others."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    flush = DatabaseOperations.execute_sql_flush

    def without_triggers(self: Any, statements: list[str]) -> None:
        role = "SET session_replication_role = "
        flush(self, [f"{role}replica", *statements, f"{role}origin"])

    DatabaseOperations.execute_sql_flush = without_triggers  # type: ignore[method-assign, assignment]


def pytest_unconfigure(config: Any) -> None:
    if _cluster is not None:
        from xingwei.base.runtime import embedded

        embedded.stop(_cluster / "pg")
        shutil.rmtree(_cluster, ignore_errors=True)


def pytest_configure(config: Any) -> None:
    _let_tests_flush()
    # How fast a machine is says nothing about the code.
    settings.register_profile("xingwei", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("xingwei")
    config.addinivalue_line("markers", "clause(number, …): the clauses of the contract that this test proves")
    config.addinivalue_line("markers", "slow: takes more than five seconds")
    config.addinivalue_line("markers", "browser: needs Debian's Chromium; skipped where it is missing, not in CI")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Any process takes any test, but those of tests/browser/ stay together: they share one running product."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return "tests/browser" if nodeid.startswith("tests/browser/") else nodeid

    config.option.loadscopereorder = False  # in the order of collection, browsers last
    return Together(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: once Playwright's event loop runs in a process, asyncio.run works there no more."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True)
def _fresh_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    from xingwei.base.calendar import queries as calendar
    from xingwei.base.estate import queries as estate
    from xingwei.base.site import queries as site
    from xingwei.base.ui import brief
    from xingwei.service.knowledge.queries import guides
    from xingwei.service.rota import live

    site.forget()
    brief.forget()
    monkeypatch.setattr(brief, "SECONDS", 3_600.0)  # else how many queries a page needs depends on how fast tests run
    calendar.forget()
    estate.forget()
    guides.forget()
    live.forget()
    counts = import_module("xingwei.operations.gateway.queries.counts")  # its package has a function of that name
    counts.forget()
    monkeypatch.setattr(counts, "_TTL_S", 3_600.0)  # else how many queries a page needs depends on how fast tests run


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """person("it_staff", "reporter", department="收费处") → an account holding these roles, made on demand."""
    from xingwei.testing.people import make_person

    return make_person


@pytest.fixture
def as_role(person: Callable[..., Any]) -> Callable[..., Any]:
    """as_role("it_staff") → a test client signed in as somebody of that role; .user and .actor are theirs."""
    from django.test import Client

    from xingwei.base.accounts.queries import actor_of

    def signed_in(*roles: str, **kwargs: Any) -> Any:
        user = kwargs.pop("user", None) or person(*roles, **kwargs)
        client: Any = Client()
        client.force_login(user)
        client.user, client.actor = user, actor_of(user)
        return client

    return signed_in


@pytest.fixture
def actor(person: Callable[..., Any]) -> Callable[..., Any]:
    """actor("service_manager") → the Actor of such a person, for calling services."""
    from xingwei.base.accounts.queries import actor_of

    return lambda *roles, **kwargs: actor_of(person(*roles, **kwargs))


@pytest.fixture
def api_as(person: Callable[..., Any]) -> Callable[..., Any]:
    """api_as("it_staff") → a test client whose requests carry a token with all that somebody of that role may do."""
    from django.test import Client

    from xingwei.testing.people import make_token

    def with_token(*roles: str, **kwargs: Any) -> Any:
        user = kwargs.pop("user", None) or person(*roles, **kwargs)
        client: Any = Client(headers={"Authorization": f"Bearer {make_token(user)}"})
        client.user = user
        return client

    return with_token
