"""The page of the switchboard, as a browser meets it."""

import asyncio
import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from simhospital.faults import board
from simhospital.faults.board import BoardError
from simhospital.faults.catalogue import definitions
from simhospital.faults.page import Switchboard, run


def in_browser(scene):
    async def whole():
        page = Switchboard()
        async with TestClient(TestServer(page.application())) as browser:
            await scene(browser, page.token)

    asyncio.run(asyncio.wait_for(whole(), 20))


async def text_of(browser, path="/", **query):
    answer = await browser.get(path, params=query)
    assert answer.status == 200
    return await answer.text()


def test_every_fault_is_there_grouped_and_searchable(hospital):
    async def scene(browser, token):
        page = await text_of(browser)
        assert "没有故障在进行" in page
        assert all(f"<b>{code}</b>" in page for code in definitions())
        assert "<h2>医保 <small>" in page
        found = await text_of(browser, q="db.blocked")
        assert re.findall(r"<b>(\w+)</b>", found) == ["DB01", "DB01b", "DB02", "DB13"]
        assert "&lt;script&gt;" in await text_of(browser, q="<script>")

    in_browser(scene)


def test_start_with_parameters_and_a_duration_and_stop(hospital):
    async def scene(browser, token):
        form = {"token": token, "code": "TP02", "minutes": "5", "p.seconds": "3", "p.infno": "2207", "p.share": "1"}
        page = await (await browser.post("/start", data=form)).text()
        assert "✓ 已开始 TP02 医保中心变慢" in page
        assert "● 正在进行 1 个" in page
        assert "多等的秒数 3.0" in page
        assert board.active("yb-slow", "2207")["seconds"] == 3.0
        assert board.active("yb-slow", "2206") is None
        running = await (await browser.get("/api/running")).json()
        assert 290 < running[0]["until"] - running[0]["since"] <= 300
        page = await (await browser.post("/stop", data={"token": token, "which": running[0]["id"]})).text()
        assert "已停止并撤回 1 个故障" in page
        truth = await text_of(browser, "/truth")
        assert "TP02" in truth
        assert "网页" in truth
        assert (await (await browser.get("/api/truth")).json())[0]["signals"]

    in_browser(scene)


def test_a_refusal_is_a_sentence(hospital, monkeypatch):
    monkeypatch.setenv("SIMHOSPITAL_DATABASE_URL", "")

    async def scene(browser, token):
        page = await (await browser.post("/start", data={"token": token, "code": "DB01", "minutes": "5"})).text()
        assert "✕ 没有给出模拟医院的数据库地址" in page
        form = {"token": token, "code": "TP02", "minutes": "5", "p.seconds": "abc"}
        assert "✕ “多等的秒数”应填数字" in await (await browser.post("/start", data=form)).text()
        assert "时长应填分钟数" in await (await browser.post("/start", data={**form, "minutes": "x"})).text()
        assert board.running() == []

    in_browser(scene)


def test_a_combination_and_all_stopped(hospital):
    async def scene(browser, token):
        page = await (await browser.post("/combine", data={"token": token, "code": "X04"})).text()
        assert "组合 X04" in page
        assert len(board.running()) == 2
        assert "全部停止" in page
        await browser.post("/stop", data={"token": token, "which": "all"})
        assert board.running() == []

    in_browser(scene)


def test_only_for_this_machine_and_its_own_forms(hospital):
    async def scene(browser, token):
        assert (await browser.post("/start", data={"code": "TP02", "token": "guess"})).status == 403
        assert (await browser.get("/", headers={"Host": "evil.example"})).status == 403
        answer = await browser.get("/switchboard.css")
        assert answer.status == 200
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert board.running() == []

    in_browser(scene)
    with pytest.raises(BoardError, match="本机"):
        run("0.0.0.0", 0)
    with pytest.raises(BoardError, match="本机"):
        run("somewhere.example", 0)
