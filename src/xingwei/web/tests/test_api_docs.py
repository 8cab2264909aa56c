"""/api/docs works in a hospital without internet: our own page, no script of its own, nothing from outside."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .test_every_operation import OPERATIONS

pytestmark = pytest.mark.django_db


def test_every_operation_is_described_with_the_permission_that_it_asks_for(client: Any) -> None:
    page = client.get("/api/docs").content.decode()
    assert page.count('<details class="xw-op"') == len(OPERATIONS)
    assert page.count("需要权限：") == len(OPERATIONS)
    assert "需要权限：<" not in page
    assert "/api/v1/people/{pk}" in page
    assert "人员与账号：查看" in page


def test_nothing_comes_from_outside(client: Any) -> None:
    page = client.get("/api/docs").content.decode()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert not re.findall(r"<script(?![^>]* src=)", page)


def test_programs_read_the_same_description(client: Any) -> None:
    schema = client.get("/api/openapi.json").json()
    assert "/api/v1/people/{pk}" in schema["paths"]
    assert schema["info"]["title"] == "杏维 API"
