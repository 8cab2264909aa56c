"""The lake's pages in a real browser, on a desk and on a phone."""

import datetime as dt
import os

import pytest
from django.utils import timezone

from xingwei.data.lake.models import Mapping, QualityIssue
from xingwei.data.lake.services import extract as extracts
from xingwei.data.lake.services import quality, upkeep
from xingwei.testing.browser import check

from .conftest import settle

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_from_the_board_to_a_row_and_its_source(shipped, hospital, browse, phone, tmp_path):
    shots = os.environ.get("XINGWEI_SHOTS", "")
    today = timezone.localdate()
    for number in range(40):
        day = today - dt.timedelta(days=number % 12)
        kind = "7" if number % 13 == 0 else "1"
        settle(
            hospital,
            500 + number,
            kind,
            2000 + number,
            f"{number}.50",
            "0",
            "0",
            f"{number}.50",
            "1",
            f"{day} 09:00:00",
        )
    for code in ("settlement.finance", "dictionary.department"):
        extracts.extract(Mapping.objects.get(code=code))
    quality.look("settlement")
    upkeep.measure_growth()
    issue = QualityIssue.objects.get(rule="code:kind")
    page = browse("it_staff", phone=phone)
    urls = {
        "home": "/lake/", "dataset": "/lake/datasets/settlement/", "rows": f"/lake/datasets/settlement/rows/?day={today}",
        "source": f"/lake/mappings/settlement.finance/source/?day={today}&key=%7B%22jsid%22%3A%22500%22%7D",
        "mapping": "/lake/mappings/settlement.finance/", "mappings": "/lake/mappings/", "extracts": "/lake/extracts/",
        "quality": "/lake/quality/", "issue": f"/lake/quality/{issue.pk}/", "connections": "/connections/",
        "connection": "/connections/finance/", "new": "/connections/new/", "form": "/connections/new/?kind=oracle",
    }  # fmt: skip
    for name, url in urls.items():
        page.goto(url)
        check(page)
        if shots:
            page.screenshot(path=f"{shots}/{name}-{'390' if phone else '1440'}.png", full_page=True)
    page.goto("/connections/finance/")
    page.get_by_role("button", name="验证只能读").click()
    page.get_by_text("已验证：账号只能读").wait_for()
    page.goto("/lake/datasets/settlement/")
    page.get_by_role("link", name=str(today)).first.click()
    page.get_by_text("500").first.click()
    page.get_by_text("与业务库现在的行一致").wait_for()
