"""The examples for a real server are accepted by the programs that they are for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from xingwei.base.runtime import config

DEPLOY = config.REPO / "deploy"


def accepted(*command: str | Path) -> None:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_units(tmp_path: Path) -> None:
    """With the program's path replaced by one that exists here."""
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text()
        assert "/opt/xingwei/.venv/bin/xingwei" in text
        (tmp_path / unit.name).write_text(text.replace("/opt/xingwei/.venv/bin/xingwei", sys.executable))
    accepted("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.glob("*.service")))


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not on this machine")
def test_nginx_configuration(tmp_path: Path) -> None:
    key, cert = tmp_path / "xingwei.key", tmp_path / "xingwei.crt"
    accepted(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=xingwei.hospital.example"),
    )
    site = (DEPLOY / "nginx.conf.example").read_text().replace("/etc/nginx/tls", str(tmp_path))
    main = tmp_path / "nginx.conf"
    main.write_text(
        f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{site}\n}}\n"
    )
    accepted("nginx", "-t", "-q", "-p", tmp_path, "-c", main)


def test_the_environment_example_is_read() -> None:
    lines = (DEPLOY / "xingwei.env.example").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    settings = config.from_environment(env)
    assert settings.tls
    assert settings.hosts == ("xingwei.hospital.example",)
    assert settings.public_url.startswith("https://")
    assert settings.proxies == ("127.0.0.1",)


def test_compose_knows_the_commands() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    done = subprocess.run(
        [sys.executable, "-m", "xingwei.web.cli", "--help"], capture_output=True, text=True, check=True
    )
    for name in ("prepare", "web", "worker"):
        assert services[name]["command"] == [name]
        assert name in done.stdout
