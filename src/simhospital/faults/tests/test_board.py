"""The board as other processes see it, and its log of truth."""

import json
import subprocess
import sys

import pytest
import time_machine

from simhospital.faults import board as boards
from simhospital.faults.board import Board, BoardError


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "faults")


def test_a_fault_is_seen_by_another_process(tmp_path, board, monkeypatch):
    board.start("mllp-hang", "lis", parameters={"seconds": 9}, duration_s=60)
    monkeypatch.setenv("SIMHOSPITAL_HOME", str(tmp_path))
    code = "from simhospital.faults import board; print(board.active('mllp-hang', 'lis')['seconds'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "9\n"
    assert boards.active("mllp-hang", "lis")["seconds"] == 9


def test_targets(board):
    board.start("slow", "220*, 1101", duration_s=60)
    assert board.active("slow", "2207")
    assert board.active("slow", "1101")
    assert board.active("slow", "3201") is None
    assert board.active("slow") is None
    board.start("dark", duration_s=60)
    assert board.active("dark", "whatever")
    assert board.active("dark")


def test_a_fault_is_found_at_each_of_its_points(board):
    points = [
        {"name": "mllp-hang", "target": "lis", "parameters": {"seconds": 3}},
        {"name": "send-silent", "target": "dev-*"},
    ]
    fault = board.start("DV02", points=points, duration_s=60)
    assert board.active("mllp-hang", "lis") == {"seconds": 3, "id": fault.id, "until": fault.until}
    assert board.active("mllp-hang", "cis") is None
    assert board.active("send-silent", "dev-cbc")
    assert board.active("DV02")
    assert board.find(fault.id)
    board.stop(fault.id)
    assert board.active("mllp-hang", "lis") is None
    assert board.find(fault.id) is None


def test_it_ends_by_its_time_without_anybody(board):
    with time_machine.travel("2026-11-24T08:00:00Z", tick=False) as clock:
        board.start("slow", duration_s=60)
        assert board.active("slow")
        clock.shift(61)
        assert board.active("slow") is None
        (episode,) = board.episodes()
        assert (episode["since"], episode["to"], episode["end"]) == (
            "2026-11-24T08:00:00.000+00:00",
            "2026-11-24T08:01:00.000+00:00",
            "ended",
        )


def test_the_same_fault_is_not_on_twice_for_one_target(board):
    board.start("slow", "2207", duration_s=60)
    board.start("slow", "2206", duration_s=60)
    with pytest.raises(BoardError, match="已在进行中"):
        board.start("slow", "2207", duration_s=60)
    with pytest.raises(BoardError, match="24 小时"):
        board.start("other", duration_s=90_000)


def test_stop_by_name_and_by_id(board):
    one = board.start("slow", "2207", duration_s=60)
    board.start("slow", "2206", duration_s=60)
    assert [f.id for f in board.stop("slow", "2207")] == [one.id]
    assert [f.target for f in board.running()] == ["2206"]
    assert board.active("slow", "2207") is None
    assert board.active("slow", "2206")
    assert board.stop("nothing") == []


def test_the_truth_says_what_was_really_done(board):
    fault = board.start(
        "lost", parameters={"share": 1}, duration_s=60, by="王工", facts={"layer": "接口", "party": "商"}
    )
    board.did(board.strikes("lost", "2207"), infno="2207", msgid="M1")
    board.did(None, never="logged")
    board.stop(fault.id)
    with board.truth.open("a") as log:
        log.write('{"cut off')
    (episode,) = board.episodes()
    assert episode["layer"] == "接口"
    assert episode["by"] == "王工"
    assert episode["did"][0]["msgid"] == "M1"
    assert episode["end"] == "stopped"
    assert [json.loads(line)["what"] for line in board.truth.read_text().splitlines()[:3]] == [
        "started",
        "did",
        "stopped",
    ]


def test_an_intermittent_fault_strikes_its_share(board):
    board.start("some", parameters={"share": 0}, duration_s=60)
    assert board.active("some")
    assert not any(board.strikes("some") for _ in range(50))


def test_asking_is_cheap(board):
    board.start("slow", "2207", duration_s=60)
    reads = []
    board._read, read = lambda: reads.append(1) or read(), board._read
    for _ in range(2000):
        board.active("slow", "2207")
    assert len(reads) <= 1
