"""Which processes `xingwei up` keeps."""

from __future__ import annotations

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from xingwei.base.runtime import config
from xingwei.web.children import children


def test_the_simulated_hospital_is_a_child_only_beside_demonstration_data(tmp_path: Path) -> None:
    settings = config.from_environment({"XINGWEI_HOME": str(tmp_path)})
    assert "hospital" not in [c.name for c in children(settings)]
    found = {c.name: c for c in children(settings, hospital_url="postgresql:///xingwei?host=/tmp/s&user=postgres")}
    hospital = found["hospital"]
    assert not hospital.needed
    assert hospital.program[1:] == ("-m", "simhospital")
    assert hospital.env["SIMHOSPITAL_HOME"] == str(settings.home / "simhospital")
    parts = conninfo_to_dict(hospital.env["SIMHOSPITAL_DATABASE_URL"])
    assert (parts["dbname"], parts["host"], parts["user"]) == ("simhospital", "/tmp/s", "postgres")


def test_the_hospital_can_be_left_out() -> None:
    assert config.from_environment({}).hospital
    assert not config.from_environment({"XINGWEI_HOSPITAL": "0"}).hospital
