"""The pages as people use them: the morning's page, a difference, the lists, the wizard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from xingwei.data.reconcile import kept
from xingwei.data.reconcile.models import Difference, Draft, Reconciliation, Remedy
from xingwei.data.reconcile.services import runs

from . import support

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One payment that the bank alone has, one that the HIS alone has."""
    monkeypatch.setattr(kept, "root", lambda: tmp_path / "kept")
    row = support.made()
    rows = support.rows(support.yesterday(), 6)
    return support.reconciled(
        row, support.book(tmp_path, "his.csv", rows[:-1]), support.book(tmp_path, "bank.csv", rows[1:])
    )


@pytest.mark.clause("1.8a", "1.8b")
def test_the_morning_page_says_it_in_one_sentence(run: Any, as_role: Any) -> None:
    page = as_role("finance_office").get(f"/reconcile/of/two/?day={support.yesterday()}").content.decode()
    assert "不平：2 笔，合计" in page
    assert "原因全部查明" in page
    assert "超时单边 1 笔 +105.50" in page
    assert "残差 0.00" in page
    assert "44050000000005" not in page  # persons are covered
    chart = json.loads(page.split('id="bridge0" type="application/json">')[1].split("</script>")[0])
    assert chart["series"][1]["data"][0]["label"]["formatter"] == "512.50"


def test_the_page_stays_quick_with_many_differences(
    run: Any, as_role: Any, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    rows = support.rows(support.yesterday(), 300)
    row = Reconciliation.objects.get()
    support.reconciled(row, support.book(tmp_path, "few.csv", rows[:10]), support.book(tmp_path, "all.csv", rows))
    client = as_role("finance_office")
    client.get("/reconcile/of/two/")
    with django_assert_max_num_queries(60):
        page = client.get("/reconcile/of/two/").content.decode()
    assert "另有 190 笔见全部差异" in page


def test_a_day_without_a_result_says_so(run: Any, as_role: Any) -> None:
    page = as_role("finance_office").get("/reconcile/of/two/?day=2020-02-02").content.decode()
    assert "02-02 还没有核对" in page


def test_a_difference_shows_both_sides_and_where_they_came_from(run: Any, as_role: Any) -> None:
    found = Difference.objects.get(cause="timeout_one_sided")
    page = as_role("onsite_engineer").get(found.get_absolute_url()).content.decode()
    assert "银行有这笔收款，HIS 没有" in page
    assert "bank.csv" in page
    assert "第 6 行" in page
    assert "4…0005" in page


def test_proposing_all_at_once_and_approving_on_the_page(run: Any, as_role: Any) -> None:
    asker = as_role("finance_office")
    keys = list(Difference.objects.values_list("pk", flat=True))
    answer = asker.post(reverse("reconcile:propose"), {"difference": keys}, follow=True).content.decode()
    assert "已提出 2 笔，待双人批准" in answer
    remedy = Remedy.objects.first()
    assert remedy is not None
    page = as_role("it_head").get(remedy.get_absolute_url()).content.decode()
    assert "批准" in page
    as_role("it_head").post(reverse("reconcile:remedy-act", args=[remedy.pk, "approve"]))
    refused = asker.post(reverse("reconcile:remedy-act", args=[remedy.pk, "approve"]), follow=True).content.decode()
    assert "提出人不能批准" in refused


def test_the_lists_and_their_exports(run: Any, as_role: Any) -> None:
    client = as_role("auditor")
    page = client.get(f"/reconcile/differences/?book=two&run={run.pk}").content.decode()
    assert page.count("超时单边") >= 1
    table = b"".join(client.get(f"/reconcile/differences/?run={run.pk}&format=csv").streaming_content).decode()
    assert len(table.strip().splitlines()) == 3
    assert "手工核对" in client.get("/reconcile/of/two/history/").content.decode()
    assert client.get("/reconcile/remedies/").status_code == 200


def test_only_whom_it_concerns_sees_it(run: Any, as_role: Any) -> None:
    assert as_role("reporter").get("/reconcile/of/two/").status_code == 403
    assert as_role("auditor").post("/reconcile/of/two/again/").status_code == 403


def upload(name: str, rows: list[tuple[str, str, str, str]]) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "\n".join([support.HEAD, *(",".join(r) for r in rows)]).encode("gb18030"))


@pytest.mark.clause("1.8b")
def test_the_wizard_from_two_files_to_a_reconciliation(run: Any, as_role: Any) -> None:
    client = as_role("finance_office")
    rows = support.rows(support.yesterday(), 40)
    answer = client.post(
        "/reconcile/new/",
        {
            "left": upload("院内.csv", rows[:-1]),
            "right": upload("银行.csv", rows),
            "left_title": "院内",
            "right_title": "银行",
        },
    )
    assert answer.status_code == 302
    page = client.get(answer["Location"]).content.decode()
    assert "不平：1 笔" in page
    draft = Draft.objects.get()
    chosen = {
        "keys": ["f" if False else draft.proposal["pairs"][0][0]],
        "amounts": [draft.proposal["money"][0][0]],
        "day": "",
    }
    assert client.post(answer["Location"], chosen).status_code == 302
    saved = client.post(
        f"{answer['Location']}save/", {"code": "bank", "name": "银行代收", "area": "payment"}, follow=True
    )
    assert "已保存" in saved.content.decode()
    row = Reconciliation.objects.get(code="bank")
    runs.run_due()
    assert row.runs.get().rows == 1
    asked = client.get("/reconcile/of/bank/run/").content.decode()
    assert "院内的文件" in asked


def test_the_wizard_answers_a_bad_file_by_its_line(run: Any, as_role: Any) -> None:
    client = as_role("finance_office")
    rows = support.rows(support.yesterday(), 5)
    bad = SimpleUploadedFile("坏.csv", f"{support.HEAD}\nN1,P,2026-01-01 08:00:00,1.00\nN2,P\n".encode())
    answer = client.post(
        "/reconcile/new/", {"left": upload("好.csv", rows), "right": bad, "left_title": "a", "right_title": "b"}
    )
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "坏.csv" in text
    assert "第 3 行" in text


def test_the_document_on_the_edit_page_is_checked(run: Any, as_role: Any) -> None:
    client = as_role("finance_office")
    given = {
        "name": "两本账", "area": "other", "owner_role": "finance_office", "due_hours": 8, "days": 1,
        "document": "sources:\n  his: {upload: true}\n spec: x",
    }  # fmt: skip
    answer = client.post("/reconcile/of/two/edit/", given)
    assert answer.status_code == 422
    assert "第 3 行" in answer.content.decode()
    answer = client.post(
        "/reconcile/of/two/edit/",
        given | {"document": "sources: {his: {upload: true}, bank: {upload: true}}\nspec: {code: x}"},
    )
    assert answer.status_code == 422
    assert "缺少" in answer.content.decode()


def test_the_operations_of_the_api(run: Any, api_as: Any) -> None:
    client = api_as("finance_office")
    [one] = [r for r in client.get("/api/v1/reconcile/reconciliations").json() if r["code"] == "two"]
    assert one["name"] == "两本账"
    found = client.get(f"/api/v1/reconcile/runs/{run.pk}").json()
    assert (found["verdict"], found["rows"], found["residual"]) == ("differences", 2, "0.00")
    rows = client.get(f"/api/v1/reconcile/runs/{run.pk}/differences").json()
    assert {r["cause"] for r in rows} == {"timeout_one_sided", "left_only"}
