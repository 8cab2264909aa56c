"""A NUL in an address or a body is refused in words; nothing of it reaches the database."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/estate/systems/%00/",
        "/estate/parameters/%00/x/",
        "/estate/components/?q=%00",
        "/calendar/2026/?version=%00",
        "/search/?q=a%00b",
        "/sign-in/?next=%00",
    ],
)
def test_an_address_with_a_nul_is_a_bad_request(as_role: Any, path: str) -> None:
    answer = as_role("it_staff").get(path)
    assert answer.status_code == 400
    assert "控制字符" in answer.content.decode()


def test_the_api_answers_in_json(api_as: Any) -> None:
    client = api_as("it_staff")
    for path in ("/parts/components/%00", "/vocabulary?text=%00", "/parameters/%00/x"):
        answer = client.get(f"/api/v1/estate{path}")
        assert answer.status_code == 400
        assert "控制字符" in answer.json()["detail"]
    values = {"value": "a\x00", "reason": "b"}
    answer = client.post("/api/v1/estate/parameters/HIS/x/values", values, content_type="application/json")
    assert answer.status_code == 422
    assert "控制字符" in answer.json()["detail"]
