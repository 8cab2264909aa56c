"""The switchboard with its keepers: what a killed process leaves behind is still taken back; the truth is complete."""

import os
import signal
import time

import psutil
import psycopg
import pytest
from typer.testing import CliRunner

from simhospital.faults import board, keeper, switchboard
from simhospital.faults.board import BoardError
from simhospital.faults.catalogue import definitions
from simhospital.faults.cli import app


def wait_for(truth, seconds=8):
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.02)


def prices(address):
    with psycopg.connect(address) as connection:
        return connection.execute("SELECT fyxh, fydj FROM his.gy_ylsf ORDER BY 1").fetchall()


def keepers(fault):
    return [p for p in psutil.process_iter(["cmdline"]) if fault in (p.info["cmdline"] or [])]


def test_start_and_stop_and_the_truth(hospital, database):
    before = prices(database)
    fault = switchboard.start("DT03", parameters={"rows": 2}, duration_s=60, by="王工")
    assert [price for _, price in prices(database)].count(0) == 2
    assert switchboard.state_of(fault) == ("on", "进行中")
    with pytest.raises(BoardError, match="已在进行中"):
        switchboard.start("DT03")
    assert [f.id for f in switchboard.stop("dt03")] == [fault.id]
    assert prices(database) == before
    assert not list((hospital / "faults" / "kept").glob("*.json"))
    (episode,) = board.board().episodes()
    assert (episode["catalogue"], episode["layer"], episode["party"], episode["by"]) == (["DT03"], "应用", "院", "王工")
    assert [step["step"] for step in episode["did"]] == ["applied", "undone"]
    assert episode["did"][0]["rows"] == 2
    assert episode["end"] == "stopped"


def test_it_is_taken_back_by_its_time_although_nobody_asks(hospital, database):
    before = prices(database)
    fault = switchboard.start("DT03", duration_s=3.0)
    assert prices(database) != before
    wait_for(lambda: prices(database) == before)
    wait_for(lambda: not keepers(fault.id))
    (episode,) = board.board().episodes()
    assert episode["end"] == "ended"


def test_one_that_is_stopped_before_it_begins_does_nothing(hospital, database):
    before = prices(database)
    fault = switchboard.start("DT03", duration_s=60, delay_s=60)
    assert switchboard.state_of(fault)[0] == "waiting"
    assert switchboard.stop(fault.id)
    wait_for(lambda: not keepers(fault.id))
    assert prices(database) == before
    assert board.board().episodes()[0]["did"] == []


def test_a_killed_keeper_is_made_good_by_its_partner(hospital, database):
    before = prices(database)
    fault = switchboard.start("DT03", duration_s=600)
    worker = max(keepers(fault.id), key=lambda p: p.pid)
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: prices(database) == before)
    assert board.board().find(fault.id) is None


def test_both_killed_are_made_good_by_the_next_command(hospital, database):
    before = prices(database)
    fault = switchboard.start("DT03", duration_s=4.0)
    for process in sorted(keepers(fault.id), key=lambda p: p.pid):
        process.send_signal(signal.SIGKILL)
    assert prices(database) != before
    wait_for(lambda: board.board().find(fault.id) is None)
    assert keeper.sweep() == [fault.id]
    assert prices(database) == before


def test_what_cannot_be_done_is_refused_and_leaves_nothing(hospital, database, monkeypatch):
    monkeypatch.setenv("SIMHOSPITAL_DATABASE_URL", "")
    with pytest.raises(BoardError, match="数据库地址"):
        switchboard.start("DT03")
    assert board.running() == []
    assert not list((hospital / "faults" / "kept").glob("*.json"))
    assert board.board().episodes()[0]["did"][0]["step"] == "failed"


def test_a_combination_comes_in_its_order_and_goes_as_a_whole(hospital):
    found, started = switchboard.combine("x21", duration_s=4)
    assert [f.name for f in started] == ["TP01", "IF01"]
    assert board.active("yb-refused")
    assert board.active("yb-signin-lost") is None
    assert switchboard.state_of(started[1])[0] == "waiting"
    wait_for(lambda: board.active("yb-signin-lost"))
    wait_for(lambda: not board.active("yb-refused"))
    assert board.active("yb-signin-lost")
    assert len(switchboard.stop("X21")) == 1
    assert {e["combination"] for e in board.board().episodes()} == {"X21"}
    assert found.answer


def test_a_combination_that_cannot_be_whole_does_not_begin(hospital, monkeypatch):
    monkeypatch.setenv("SIMHOSPITAL_DATABASE_URL", "")
    with pytest.raises(BoardError):
        switchboard.combine("X02")
    assert board.running() == []


@pytest.mark.parametrize("code", [c for c, one in definitions().items() if all("point" in e for e in one.effects)])
def test_every_fault_of_points_is_found_at_its_points_and_gone_after(hospital, code):
    one = definitions()[code]
    fault = switchboard.start(code, duration_s=60)
    for effect in one.rendered(one.values({})):
        for target in (effect.get("target") or "anything").split(","):
            found = board.active(effect["point"], target.strip().replace("*", "1"))
            assert found
            assert found["id"] == fault.id
            assert effect.get("parameters", {}).items() <= found.items()
    switchboard.stop(fault.id)
    for effect in one.rendered(one.values({})):
        assert board.active(effect["point"], "anything") is None
    (episode,) = board.board().episodes()
    assert episode["signals"] == list(one.signals)
    assert episode["to"]


def test_the_command_line(hospital):
    run = CliRunner().invoke
    assert "IF03" in run(app, ["list", "单边账"]).output
    shown = run(app, ["show", "if03"]).output
    assert "怎样撤回" in shown
    assert "yb.rt" in shown
    started = run(app, ["start", "TP02", "--set", "seconds=3", "--minutes", "1"])
    assert "已开始 TP02" in started.output
    assert board.active("yb-slow", "2207")["seconds"] == 3.0
    assert "● 还有" in run(app, ["list", "--running"]).output
    again = run(app, ["start", "TP02"])
    assert again.exit_code == 2
    assert "已在进行中" in again.output
    assert run(app, ["start", "TP02", "--set", "seconds"]).exit_code == 2
    assert run(app, ["start", "ZZ"]).exit_code == 2
    assert "已停止 TP02" in run(app, ["stop", "all"]).output
    assert "没有在进行" in run(app, ["stop", "TP02"]).output
    assert "TP02" in run(app, ["log"]).output
    assert '"catalogue": ["TP02"]' in run(app, ["log", "--json"]).output
    assert "X01" in run(app, ["combine"]).output
