"""contracts/README.md tells a hospital which questions decide what is computed; the engine must agree."""

from __future__ import annotations

import re

from xingwei.service.contract.engine.readings import KNOWN
from xingwei.service.contract.files import CONTRACTS


def test_the_readme_lists_exactly_the_questions_that_are_computed_by() -> None:
    text = (CONTRACTS / "README.md").read_text(encoding="utf-8").partition("## 能据以计算的问题")[2]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([a-z-]+)`", " ".join(rows))) == set(KNOWN)
