"""PDF from a Typst template and data, with the fonts of our own wheel: the same page on every machine.

Data reaches the template as JSON (`json(bytes(sys.inputs.data))`), never as source text, so nothing that a user typed
can become markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

FONTS = Path(pylopdf_fonts_zh_cn.__file__).parent


def render(template: Path, data: Mapping[str, Any]) -> bytes:
    """Compile the template (a .typ file) with this data. Values must be JSON's own types or have a str()."""
    made = typst.compile(
        str(template),
        root=str(template.parent),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, default=str)},
    )
    assert isinstance(made, bytes)
    return made
