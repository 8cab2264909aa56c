"""Runs, the lives of differences, replay, and what two persons must agree to."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import Denied
from xingwei.data.reconcile import files, kept
from xingwei.data.reconcile.models import Difference, ForcedMatch, Reconciliation, Remedy, Run
from xingwei.data.reconcile.services import definitions, differences, remedies, runs
from xingwei.data.reconcile.services.base import ReconcileRefused

from . import support

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reconciliation:
    monkeypatch.setattr(kept, "root", lambda: tmp_path / "kept")
    return support.made()


def one_more(tmp_path: Path) -> tuple[kept.Kept, kept.Kept]:
    """The bank has one payment that the HIS lacks."""
    day = support.yesterday()
    rows = support.rows(day)
    left = support.book(tmp_path, "his.csv", rows[:-1])
    return left, support.book(tmp_path, "bank.csv", rows)


@pytest.mark.clause("1.8a", "1.8b")
def test_the_same_books_balance(two: Reconciliation, tmp_path: Path) -> None:
    rows = support.rows(support.yesterday())
    run = support.reconciled(
        two, support.book(tmp_path, "a.csv", rows), support.book(tmp_path, "b.csv", list(reversed(rows)))
    )
    assert (run.state, run.verdict, run.rows, run.residual) == ("done", "balanced", 0, 0), run.problem
    assert not Difference.objects.exists()


@pytest.mark.clause("1.8a", "1.8b")
def test_a_difference_is_named_with_its_row(two: Reconciliation, tmp_path: Path) -> None:
    run = support.reconciled(two, *one_more(tmp_path))
    assert (run.verdict, run.rows, run.gap, run.residual) == ("differences", 1, Decimal("104.50"), 0), run.problem
    [found] = Difference.objects.all()
    assert (found.cause, found.title, found.reference, found.state) == ("timeout_one_sided", "超时单边", "N0004", "new")
    assert found.gap == Decimal("104.50")
    assert found.due_at is not None
    assert found.data["proof"][0]["cells"]["no"] == "N0004"
    assert run.bridge[0]["lines"] == [
        {"cause": "timeout_one_sided", "title": "超时单边", "count": 1, "amount": "104.50", "expected": False}
    ]


def test_new_persisting_resolved_and_back(two: Reconciliation, tmp_path: Path) -> None:
    left, right = one_more(tmp_path)
    support.reconciled(two, left, right)
    support.reconciled(two, left, right)
    [found] = Difference.objects.all()
    assert (found.state, found.times) == ("persisting", 2)
    support.reconciled(two, right, right)
    found.refresh_from_db()
    assert found.state == "resolved"
    assert found.resolved_at is not None
    support.reconciled(two, left, right)
    found.refresh_from_db()
    assert (found.state, found.times, found.sightings.count()) == ("new", 3, 3)


def test_a_run_over_another_day_resolves_nothing(two: Reconciliation, tmp_path: Path) -> None:
    support.reconciled(two, *one_more(tmp_path))
    before = support.yesterday() - dt.timedelta(days=3)
    rows = support.rows(before)
    both = support.book(tmp_path, "early.csv", rows)
    support.reconciled(two, both, both, before)
    assert Difference.objects.get().state == "new"


def test_a_replay_gives_the_same_result_and_changes_nothing(two: Reconciliation, tmp_path: Path) -> None:
    left, right = one_more(tmp_path)
    run = support.reconciled(two, left, right)
    definitions.save(
        system_actor("test"), "two", {**support.document(), "spec": support.SPEC | {"causes": []}}, {"name": "改过"}
    )
    again = runs.perform_now(runs.replay(system_actor("test"), run))
    assert again.facts["same"] is True
    assert (again.outcome_digest, again.version_id) == (run.outcome_digest, run.version_id)
    assert Difference.objects.get().times == 1


def test_a_replay_without_its_inputs_is_refused(two: Reconciliation, tmp_path: Path) -> None:
    left, right = one_more(tmp_path)
    run = support.reconciled(two, left, right)
    right.path.unlink()
    with pytest.raises(ReconcileRefused, match=r"bank\.csv"):
        runs.replay(system_actor("test"), run)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf" + support.HEAD.encode() + b"\nN1,P,2026-01-01 08:00:00,abc\n", "金额"),
        (support.HEAD.encode() + b"\nN1,P,2026-01-01 08:00:00\n", "列"),
        (b"PK\x03\x04 half a zip", "bad"),
    ],
)
def test_a_bad_file_is_answered_with_its_place(two: Reconciliation, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    good = support.book(tmp_path, "good.csv", support.rows(support.yesterday()))
    run = support.reconciled(two, good, kept.keep(path))
    assert run.state == "failed"
    assert said in run.problem or "bad.csv" in run.problem, run.problem
    assert not Difference.objects.exists()


def test_what_is_dropped_is_taken_by_its_day(two: Reconciliation, tmp_path: Path, settings: Any) -> None:
    from xingwei.data.reconcile.services import inputs

    day = support.yesterday()
    place = inputs.drop_directory()
    place.mkdir(parents=True, exist_ok=True)
    row = support.made("dropped", his={"drop": "h/{day}.csv"}, bank={"drop": "b/{date}*.csv"})
    run = runs.perform_now(runs.ask(system_actor("test"), row, day, day))
    assert (run.state, "还没有HIS" in run.problem) == ("failed", True), run.problem
    for name in (f"h/{day:%Y%m%d}.csv", f"b/{day}-x.csv"):
        (place / name).parent.mkdir(exist_ok=True)
        support.book(place, name, support.rows(day))
    run = runs.perform_now(runs.ask(system_actor("test"), row, day, day))
    assert run.verdict == "balanced", run.problem


def test_what_is_due_is_asked_for_once(two: Reconciliation) -> None:
    row = support.made("daily", his={"drop": "a.csv"}, bank={"drop": "b.csv"})
    definitions.save(
        system_actor("test"), "daily", row.versions.get().document,
        {"nightly_at": dt.time(6, 30), "every_minutes": 10, "clearing_day": 1, "days": 1},
    )  # fmt: skip
    zone = timezone.get_current_timezone()
    with time_machine.travel(dt.datetime(2026, 3, 1, 6, 0, tzinfo=zone), tick=False):
        assert [r.why for r in runs.due()] == ["periodic"]
    with time_machine.travel(dt.datetime(2026, 3, 1, 6, 31, tzinfo=zone), tick=False):
        asked = {r.why: (r.since, r.until) for r in runs.due()}
        assert asked["nightly"] == (dt.date(2026, 2, 28), dt.date(2026, 2, 28))
        assert asked["clearing"] == (dt.date(2026, 2, 1), dt.date(2026, 2, 28))
        assert runs.due() == []


def test_accepting_takes_a_second_person(two: Reconciliation, tmp_path: Path, actor: Any) -> None:
    support.reconciled(two, *one_more(tmp_path))
    found = Difference.objects.get()
    first, second = actor("finance_office"), actor("insurance_office")
    match = differences.propose_match(first, found, "银行手续费，已另行入账")
    with pytest.raises(ReconcileRefused, match="提出人不能"):
        differences.decide_match(first, match, True)
    with pytest.raises(Denied):
        differences.decide_match(actor("onsite_engineer"), match, True)
    differences.decide_match(second, match, True)
    found.refresh_from_db()
    assert found.state == "accepted"
    with pytest.raises(IntegrityError), transaction.atomic():
        ForcedMatch.objects.filter(pk=match.pk).update(decider_id=first.id)


def test_an_accepted_difference_stays_accepted_while_its_amount_does(
    two: Reconciliation, tmp_path: Path, actor: Any
) -> None:
    left, right = one_more(tmp_path)
    support.reconciled(two, left, right)
    found = Difference.objects.get()
    match = differences.propose_match(actor("finance_office"), found, "已查明")
    differences.decide_match(actor("insurance_office"), match, True)
    support.reconciled(two, left, right)
    found.refresh_from_db()
    assert found.state == "accepted"
    rows = support.rows(support.yesterday())
    rows[-1] = (*rows[-1][:3], "999.00")
    support.reconciled(two, left, support.book(tmp_path, "dearer.csv", rows))
    found.refresh_from_db()
    assert (found.state, found.gap) == ("persisting", Decimal("999.00"))


def test_a_remedy_takes_two_others_of_both_sides_and_is_proved(two: Reconciliation, tmp_path: Path, actor: Any) -> None:
    left, right = one_more(tmp_path)
    support.reconciled(two, left, right)
    found = Difference.objects.select_related("reconciliation").get()
    asker, business, technical = actor("finance_office"), actor("insurance_office"), actor("it_head")
    remedy = remedies.propose(asker, found)
    assert (remedy.action, remedy.met) == ("refund_channel", True)
    with pytest.raises(ReconcileRefused, match="已有一项处理"):
        remedies.propose(asker, found)
    with pytest.raises(ReconcileRefused, match="提出人不能"):
        remedies.approve(asker, remedy)
    with pytest.raises(ReconcileRefused, match="双方批准"):
        remedies.execute(technical, remedy, "已在支付平台退回")
    remedies.approve(business, remedy)
    with pytest.raises(ReconcileRefused, match="还差另一方"):
        remedies.approve(actor("finance_office"), remedy)
    assert remedies.approve(technical, remedy).state == "approved"
    with pytest.raises(ReconcileRefused, match="怎么办的"):
        remedies.execute(technical, remedy, " ")
    assert remedies.execute(technical, remedy, "已在支付平台原路退回").state == "done"
    support.reconciled(two, left, left)
    remedy.refresh_from_db()
    assert (remedy.state, remedy.proof is not None) == ("proved", True)
    acts = set(Entry.objects.filter(act__startswith="reconcile.remedy").values_list("act", flat=True))
    assert {"reconcile.remedy.propose", "reconcile.remedy.approve", "reconcile.remedy.execute"} <= acts


def test_the_case_of_a_difference_is_opened_once(two: Reconciliation, tmp_path: Path, actor: Any) -> None:
    support.reconciled(two, *one_more(tmp_path))
    found = Difference.objects.select_related("reconciliation", "last_run").get()
    who = actor("onsite_engineer")
    case = differences.open_case(who, found)
    assert differences.open_case(who, found).pk == case.pk
    assert "104.50" in case.description


@pytest.mark.clause("1.8a")
def test_the_evidence_pack_holds_the_digests(two: Reconciliation, tmp_path: Path, as_role: Any) -> None:
    left, right = one_more(tmp_path)
    run = support.reconciled(two, left, right)
    response = as_role("finance_office").get(f"/reconcile/runs/{run.pk}/pack/")
    assert response.status_code == 200
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        names = archive.namelist()
        pdf = archive.read(next(n for n in names if n.endswith(".pdf")))
        book = archive.read(next(n for n in names if n.endswith(".xlsx")))
    from pypdf import PdfReader
    from python_calamine import CalamineWorkbook

    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\n", "").replace(" ", "")
    assert left.digest in text
    assert run.outcome_digest in text
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(book))
    inputs = sheets.get_sheet_by_name("输入").to_python()
    assert {row[2] for row in inputs[1:]} == {left.digest, right.digest}
    assert any("超时单边" in row for row in sheets.get_sheet_by_name("差异").to_python())


def test_the_shipped_reconciliations_are_taken_in_once() -> None:
    first = definitions.import_directory(system_actor("test"), files.SHIPPED)
    again = definitions.import_directory(system_actor("test"), files.SHIPPED)
    assert [r.code for r in first] == [r.code for r in again]
    assert all(r.current == 1 for r in again)


def test_the_demonstration_is_set_up(db: None) -> None:
    from xingwei.base.site import queries as site
    from xingwei.data.reconcile import setup

    said: list[str] = []
    setup.reconciliations(lambda done, total, text="": said.append(text))  # type: ignore[arg-type]
    assert "对账“医保总账与明细”" in said
    assert site.value("reconcile.insurance.institution")


def test_nobody_without_the_right_runs_or_changes(two: Reconciliation, actor: Any) -> None:
    day = support.yesterday()
    with pytest.raises(Denied):
        runs.ask(actor("reporter"), two, day, day)
    with pytest.raises(Denied):
        definitions.save(actor("auditor"), "two", support.document(), {})
    assert Run.objects.count() == 0
    assert Remedy.objects.count() == 0


def test_what_the_shipped_ones_ask_of_the_lake_can_be_asked(tmp_path: Path) -> None:
    from xingwei.data.reconcile.services import inputs

    day = support.yesterday()
    for item in files.read_directory(files.SHIPPED).document["reconciliations"]:
        for name, source in item["sources"].items():
            if "sql" in source:
                got = inputs.from_lake(source, day, day, tmp_path / f"{item['code']}-{name}.parquet", name)
                assert got.path.is_file(), (item["code"], name)


def test_a_lake_that_has_not_read_the_day_gives_no_false_differences(tmp_path: Path) -> None:
    from xingwei.base.connections.models import Connection
    from xingwei.data.lake.models import Mapping
    from xingwei.data.reconcile.services import inputs

    day = support.yesterday()
    source = {"datasets": ["deposit"], "sql": "SELECT receipt_no FROM deposit"}
    connection = Connection.objects.create(code="c", name="业务库", kind="postgresql")
    mapping = Mapping.objects.create(code="m", dataset="deposit", title="预交金", connection=connection, document={})
    for mark in (None, timezone.now() - dt.timedelta(days=3)):
        Mapping.objects.filter(pk=mapping.pk).update(mark=mark)
        with pytest.raises(ReconcileRefused, match="还没有抽到"):
            inputs.from_lake(source, day, day, tmp_path / "x.parquet", "HIS")
    Mapping.objects.filter(pk=mapping.pk).update(mark=timezone.now(), done_through=timezone.localdate())
    assert inputs.from_lake(source, day, day, tmp_path / "x.parquet", "HIS").path.is_file()
