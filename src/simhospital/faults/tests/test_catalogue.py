"""The definitions against the reference catalogue, the systems that ask for them, and each other."""

import os
import re
from pathlib import Path

import pytest

from simhospital.faults.board import BoardError
from simhospital.faults.catalogue import combinations, definitions, find, search
from simhospital.faults.effects import kinds

SOURCE = Path(__file__).resolve().parents[2]
REFERENCE = SOURCE.parents[2] / "shared" / "reference" / "fault-catalogue.md"
SIGNAL = re.compile(
    r"syn\.(login|search|save|send)|biz\.\w+\.(rate|fail)|spread|tcp:[\w.]+|dns|tls\.days|notice|chg\.recent"
    r"|db\.(blocked|blocker|longtx_s|deadlock|sess_pct|tbs_pct|undo_err|arch_pct|temp_pct|sql_top|plan_hash|stats_age"
    r"|iowait|redo_wait)|repl\.(lag|state)|host\.(cpu|mem|swap|disk|inode|iowait|fd|offset)"
    r"|net\.(ping|loss|rtt|jumbo|if_err|bcast|macflap|nat_sess)|app\.(rt|err|pool|queue|heap|gc|threads|ver|log)"
    r"|if\.\w+\.(rate|err|queue|oldest_s|ack_ms|dead)|yb\.(rt|http|infcode|err_msg|sign_age)"
    r"|dev\.(last_msg_s|nak|unmatched|flag)"
)


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.exists():
        if os.environ.get("CI") == "true":
            raise AssertionError("the reference catalogue is absent")
        pytest.skip("the reference catalogue is absent")
    rows = [
        line.split(" | ") for line in REFERENCE.read_text("utf-8").splitlines() if re.match(r"\| [A-Z]{2}\d\d ", line)
    ]
    found = {row[0].strip("| "): row for row in rows if len(row) > 8}
    combined = set(re.findall(r"^\| (X\d\d) ", REFERENCE.read_text("utf-8"), re.M))
    assert len(found) > 130
    assert len(combined) == 24
    return found, combined


def test_at_least_sixty_faults_of_the_catalogue_can_be_produced(reference):
    faults, combined = reference
    mine = {number for one in definitions().values() for number in one.catalogue}
    assert mine <= set(faults)
    assert len(mine) >= 60
    assert len(mine) >= 95  # of 137
    assert set(combinations()) == combined


def test_layer_and_severity_are_those_of_the_catalogue(reference):
    faults, _ = reference
    for one in definitions().values():
        if one.code != one.catalogue[0]:
            continue  # a variant may lie with another party
        layer, _, severity = next(cell for cell in faults[one.code] if cell.count("·") >= 2).split("·")[:3]
        assert one.layer in layer, one.code
        assert str(one.severity) in severity.replace("–", "12"), one.code


def test_signals_bear_the_catalogue_s_names():
    for one in definitions().values():
        assert one.signals, one.code
        for signal in one.signals:
            assert SIGNAL.fullmatch(signal), (one.code, signal)


def test_every_point_is_asked_for_somewhere():
    text = "\n".join(path.read_text("utf-8") for path in (SOURCE / "centre").rglob("*.py") if "tests" not in path.parts)
    text += (SOURCE / "life" / "points.py").read_text("utf-8")
    for one in definitions().values():
        for effect in one.effects:
            assert ("point" in effect) != ("kind" in effect)
            if "point" in effect:
                assert f'"{effect["point"]}"' in text, (one.code, effect["point"])
            else:
                assert effect["kind"] in kinds(), one.code


def test_no_text_of_a_user_reaches_an_effect_that_acts():
    """Numbers and chosen words only: what a keeper does with the database is never written by a user."""
    for one in definitions().values():
        free = [p for p in one.parameters if isinstance(p.default, str) and not p.choices]
        for effect in one.effects:
            if "kind" in effect:
                assert not any(f"${{{p.name}}}" in str(effect) for p in free), one.code


def test_every_parameter_is_used_and_has_bounds():
    for one in definitions().values():
        for parameter in one.parameters:
            assert f"${{{parameter.name}}}" in str(one.effects), one.code
            if isinstance(parameter.default, (int, float)):
                assert parameter.least <= parameter.default <= parameter.most
            elif parameter.choices:
                assert parameter.default in parameter.choices


def test_wrong_parameters_are_refused_in_chinese():
    slow = find("tp02")
    with pytest.raises(BoardError, match="应填数字"):
        slow.values({"seconds": "ten"})
    with pytest.raises(BoardError, match="之间"):
        slow.values({"seconds": 9999})
    with pytest.raises(BoardError, match="没有参数"):
        slow.values({"other": 1})
    with pytest.raises(BoardError, match="只能是"):
        find("TP04").values({"insutype": "999"})
    with pytest.raises(BoardError, match="没有故障"):
        find("ZZ99")
    assert slow.values({"seconds": "7"})["seconds"] == 7.0


def test_combinations_name_known_faults_and_parameters():
    for one in combinations().values():
        for step in one.steps:
            find(step.fault).values(step.parameters)
            assert step.after_s + step.for_s <= one.minutes * 60


def test_search_finds_by_words_of_users_and_by_signal():
    assert "IF03" in {one.code for one in search("单边账")}
    assert "DB01" in {one.code for one in search("db.blocked 空闲")}
    assert not list(search("不存在的故障"))
