"""Start and stop faults by their codes: the board for what the simulated systems do themselves, a keeper for the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from simhospital.home import home

from .board import Board, BoardError, Running, board
from .catalogue import Combination, Definition, combinations, find
from .keeper import Kept, sweep

READY_S = 15.0


def start(
    code: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    duration_s: float | None = None,
    delay_s: float = 0,
    by: str = "",
    combination: str = "",
) -> Running:
    """Switch a fault on; returns when it is really on (or waiting for its delay).

    `duration_s` defaults to what the definition suggests. Raises BoardError with a Chinese sentence.
    """
    definition = find(code)
    common = board()
    sweep(common)
    values = definition.values(parameters or {})
    effects = definition.rendered(values)
    points = [
        {"name": e["point"], "target": e.get("target", ""), "parameters": e.get("parameters", {})}
        for e in effects
        if "point" in e
    ]
    fault = common.start(
        definition.code,
        parameters=values,
        duration_s=definition.minutes * 60 if duration_s is None else duration_s,
        delay_s=delay_s,
        by=by,
        combination=combination,
        facts=definition.facts(),
        points=points,
    )
    if len(points) < len(effects):
        _keep(common, fault, delay_s)
    return fault


def _keep(common: Board, fault: Running, delay_s: float) -> None:
    environment = {**os.environ, "SIMHOSPITAL_HOME": str(home())}
    subprocess.Popen(
        [sys.executable, "-m", "simhospital.faults.keeper", fault.id],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    kept = Kept(common.directory, fault.id)
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        document = kept.read()
        if document and (document["status"] == "on" or (delay_s and document["status"] == "waiting")):
            return
        if document and document["status"] == "failed":
            kept.forget()
            raise BoardError(str(document["text"]))
        time.sleep(0.05)
    common.stop(fault.id)
    raise BoardError("故障没有在 15 秒内做成，已撤回。")


def stop(which: str) -> list[Running]:
    """Switch off by id, code or combination's code ("all": everything); returns when all is taken back."""
    common = board()
    gone: list[Running] = []
    for fault in common.running():
        if which in ("all", fault.id, fault.combination) or which.upper() == fault.name.upper():
            gone += common.stop(fault.id)
    end = time.monotonic() + READY_S
    while time.monotonic() < end and any(Kept(common.directory, fault.id).read() for fault in gone):
        sweep(common)
        time.sleep(0.05)
    return gone


def combine(code: str, *, duration_s: float | None = None, by: str = "") -> tuple[Combination, list[Running]]:
    """Start a combination: all its faults, each after its own delay. Raises BoardError; then none of them is on."""
    found = combinations().get(code.upper())
    if found is None:
        raise BoardError(f"没有组合“{code}”，可用“simhospital fault combine”查看全部。")
    whole = found.minutes * 60 if duration_s is None else duration_s
    scale = whole / (found.minutes * 60)
    started: list[Running] = []
    for step in found.steps:
        after = step.after_s * scale
        lasts = (step.for_s * scale) or whole - after
        try:
            started.append(
                start(
                    step.fault,
                    parameters=step.parameters,
                    duration_s=lasts,
                    delay_s=after,
                    by=by,
                    combination=found.code,
                )
            )
        except BoardError:
            stop(found.code)
            raise
    return found, started


def state_of(fault: Running) -> tuple[str, str]:
    """How a running fault stands: (waiting | on | stuck, sentence)."""
    if fault.since > time.time():
        return "waiting", "等待开始"
    document = Kept(board().directory, fault.id).read()
    if document and document["status"] == "stuck":
        return "stuck", str(document["text"])
    return "on", "进行中"


def stuck() -> list[dict[str, Any]]:
    """Effects past their end that could not be taken back yet, with the reason."""
    common = board()
    found = []
    for file in sorted((common.directory / "kept").glob("*.json")):
        document = Kept(common.directory, file.stem).read()
        if document and document["status"] == "stuck":
            found.append(document)
    return found


def definition_of(fault: Running) -> Definition:
    """The definition of a running fault."""
    return find(fault.name)
