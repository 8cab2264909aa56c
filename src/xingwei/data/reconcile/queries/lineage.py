"""From a row of proof back to where it came from: the kept input, its line there, and the row of the source system."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb

from ..kept import Kept
from ..models import Run


def of(run: Run, proof: Mapping[str, Any]) -> dict[str, str]:
    """file and line as people know them; mapping and row of the lake where the input came from there.

    Empty where the input is not kept any more."""
    files = [Kept.of(f) for f in run.inputs.get(str(proof["source"]), ())]
    name = str(proof.get("file") or "")
    file = next((f for f in files if name in (f.path.name, f.name)), files[0] if len(files) == 1 else None)
    line = proof.get("line")
    if file is None or line is None:
        return {}
    found = {"file": file.name, "line": str(line)}
    if file.path.suffix != ".parquet" or not file.path.is_file():
        return found
    with duckdb.connect() as db:
        relation = db.execute(
            "SELECT * FROM read_parquet($path, file_row_number = true) WHERE file_row_number = $line",
            {"path": str(file.path), "line": max(0, int(line) - 1)},
        )
        names = [d[0] for d in relation.description or ()]
        row = relation.fetchone()
    if row is not None:
        record = dict(zip(names, row, strict=True))
        if record.get("_source"):
            found |= {"source": str(record["_source"]), "row": _key(record.get("_row"))}
    return found


def _key(text: Any) -> str:
    """{"jsid": 7} → jsid=7."""
    try:
        return "，".join(f"{k}={v}" for k, v in json.loads(str(text)).items())
    except (ValueError, AttributeError):
        return str(text or "")
