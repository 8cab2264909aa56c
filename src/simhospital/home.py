"""Where the simulated hospital keeps what it writes: one directory, `SIMHOSPITAL_HOME`.

Everything that simhospital writes or fills lies below it, so that no fault can touch anything else on the machine.
"""

from __future__ import annotations

import atexit
import os
from pathlib import Path


def home() -> Path:
    """The directory of this simulated hospital; made if absent. `.simhospital` in the working directory by default."""
    path = Path(os.environ.get("SIMHOSPITAL_HOME") or ".simhospital").absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def announce(name: str) -> None:
    """Say that this process is the hospital's process of that name, so that a fault may stop it: `run/NAME.pid`."""
    file = home() / "run" / f"{name}.pid"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{os.getpid()}\n")
    atexit.register(lambda: file.unlink(missing_ok=True))
