"""Regular expressions that a hospital writes. RE2 runs in time linear in the text, so that no expression can hang the
gateway; what RE2 cannot do (look-around, back-references) is refused when the rule is written."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from .model import Refused

_LONGEST = 500
_MEMORY = 2 << 20
LONGEST_TEXT = 100_000


@lru_cache(512)
def compile_pattern(pattern: str) -> Any:
    """An RE2 expression. Raises Refused."""
    if not pattern or len(pattern) > _LONGEST:
        raise Refused(f"正则表达式应有 1 到 {_LONGEST} 个字符。")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise Refused(f"正则表达式不能用：{why[:120]}（不支持前后断言和反向引用）。") from None


def matches(pattern: Any, text: str) -> bool:
    """Whether the expression is found anywhere in the first LONGEST_TEXT characters."""
    return pattern.search(text[:LONGEST_TEXT]) is not None
