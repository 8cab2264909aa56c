"""docs/coverage.md says what the code says, and speaks only of clauses that exist."""

from __future__ import annotations

from pathlib import Path

from xingwei.base.ui.registry import Served, registry
from xingwei.service.contract import coverage
from xingwei.service.contract.engine.model import Clause

KNOWN = {c.id for c in coverage._clauses()}


def test_the_page_is_current() -> None:
    written = coverage.PAGE.read_text(encoding="utf-8")
    assert written == coverage.page(), "run: xingwei contract coverage"


def test_every_mark_names_a_clause_that_exists() -> None:
    unknown = {c: names for c, names in coverage.tests_by_clause(coverage.REPO).items() if c not in KNOWN}
    assert unknown == {}


def test_every_page_and_command_serves_a_clause_that_exists() -> None:
    assert [s for s in registry.served_by if s.clause not in KNOWN] == []


def test_every_registered_page_has_an_address() -> None:
    pages = coverage.addresses()
    assert [s for s in registry.served_by if s.url_name and s.url_name not in pages] == []
    assert pages["contract:clause"] == "/contract/clauses/<str:number>/"


def test_marks_are_found_on_modules_classes_and_tests(tmp_path: Path) -> None:
    path = tmp_path / "src" / "room" / "tests" / "test_it.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        """
import pytest
pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.1")]

@pytest.mark.clause("1.6", "1.1")
def test_one(): ...

class TestMore:
    @pytest.mark.clause("9.2a")
    @pytest.mark.parametrize("x", [1])
    async def test_two(self): ...

def helper(): ...
""",
        encoding="utf-8",
    )
    assert coverage.tests_by_clause(tmp_path) == {
        "1.1": ["src/room/tests/test_it.py::test_one", "src/room/tests/test_it.py::TestMore::test_two"],
        "1.6": ["src/room/tests/test_it.py::test_one"],
        "9.2a": ["src/room/tests/test_it.py::TestMore::test_two"],
    }


def test_the_page_lists_pages_commands_and_tests() -> None:
    clause = Clause("1.1", "批量更新", "Batch update", ("HIS",), False)
    served = [Served("1.1", "批量更新", "changes:new", "xingwei changes run"), Served("1.1", "说明")]
    page = coverage.render([clause], served, {"1.1": ["src/a.py::test_b"]}, {"changes:new": "/changes/new/"})
    assert "1 clauses; 1 are served and tested." in page
    assert "- 批量更新: `/changes/new/`, `xingwei changes run`\n- 说明\n- test `src/a.py::test_b`" in page
    empty = coverage.render([clause], [], {}, {})
    assert "- not served yet\n- no test yet" in empty
