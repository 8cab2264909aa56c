"""A gateway that really runs: its own durable database, real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from xingwei.testing.gateway_db import Cluster, cluster


@pytest.fixture(scope="session")
def _cluster(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Cluster]:
    from django.db import connection

    settings = connection.settings_dict
    source = f"postgresql:///{settings['NAME']}?host={settings['HOST']}&user={settings['USER']}"
    with cluster(source) as made:
        yield made


@pytest.fixture
def house(_cluster: Cluster) -> Cluster:
    """The database, running and empty."""
    _cluster.start()
    _cluster.empty()
    return _cluster
