"""The benchmarks run, at a size where only that can be seen, and their last line can be read by a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
KEYS = {
    "journal": {"entries", "verify_s"},
    "clocks": {"clocks", "seconds"},
    "gateway": {"accepted_1", "accepted_8", "accepted_64", "delivered_8", "p50_ms_1"},
    "breaker": {"p99_ratio"},
    "watch": {"probes_per_min", "db_share", "chart_s"},
    "desk": {"search_p95_ms", "page_p95_ms", "vs_django_helpdesk", "rows"},
}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Not under pytest's own directory: only its owner may enter that, and as root PostgreSQL runs as somebody else."""
    with tempfile.TemporaryDirectory(prefix="xingwei-bench-") as place:
        yield Path(place)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_a_benchmark_ends_with_its_figures(name: str, home: Path) -> None:
    """Without django-helpdesk: installing it is not a matter of this test."""
    environment = os.environ | {
        "XINGWEI_BENCH_HOME": str(home),
        "PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}",
    }
    for inherited in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "XINGWEI_HOME", "XINGWEI_TEST_HOME"):
        environment.pop(inherited, None)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick", "--json", "--alone", "--rows", "300"],
        env=environment, cwd=REPO, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert KEYS[name] <= figures.keys()
    assert figures["benchmark"] == name
    assert all(figures[key] for key in KEYS[name] - {"vs_django_helpdesk"})


def test_the_stories_of_the_benchmark_are_those_of_the_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPO))
    from benchmarks import stories
    from xingwei.service.desk.workflow import workflow

    for kind, states in stories.states_used().items():
        assert states <= set(workflow().kinds[kind].states), kind
    assert set(stories.KINDS) == set(workflow().kinds)
