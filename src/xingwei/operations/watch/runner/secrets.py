"""Passwords in a probe's settings: sealed for this probe and field, in a file, in the environment, or plain."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xingwei.base.runtime import config
from xingwei.base.runtime.crypto import CryptoError, SecretBox

from ..probes.base import ProbeProblem, kind

_REFERENCES = ("sm4.", "file:", "env:")


def purpose(code: str, name: str) -> str:
    return f"watch.{code}.{name}"


def fields(kind_code: str) -> list[str]:
    """The settings of this kind that are secrets."""
    return [n for n, f in kind(kind_code).schema["properties"].items() if f.get("format") == "password"]


def opened(code: str, kind_code: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with their secrets in plain text. Raises ProbeProblem."""
    out = dict(settings)
    for name in fields(kind_code):
        if value := out.get(name):
            out[name] = _open(code, name, str(value))
    return out


def sealed(code: str, kind_code: str, settings: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are stored. A secret that did not change keeps its token: saving again changes nothing."""
    out = dict(settings)
    for name in fields(kind_code):
        value = out.get(name)
        if not isinstance(value, str) or not value or value.startswith(_REFERENCES):
            continue
        box = SecretBox(config.from_environment().secrets)
        old = str(before.get(name) or "")
        try:
            same = old.startswith("sm4.") and box.decrypt(old, purpose=purpose(code, name)) == value
        except CryptoError:
            same = False
        out[name] = old if same else box.encrypt(value, purpose=purpose(code, name))
    return out


def _open(code: str, name: str, value: str) -> str:
    try:
        if value.startswith("sm4."):
            return SecretBox(config.from_environment().secrets).decrypt(value, purpose=purpose(code, name))
        if value.startswith("file:"):
            return _from_file(value[5:])
        if value.startswith("env:"):
            return os.environ[value[4:]]
    except CryptoError as error:
        raise ProbeProblem(f"参数 {name} 打不开：{error}") from None
    except KeyError:
        raise ProbeProblem(f"参数 {name} 指的环境变量 {value[4:]} 没有设置") from None
    except (OSError, ValueError, TypeError):
        raise ProbeProblem(f"参数 {name} 指的文件读不到，或里面没有这一项") from None
    return value


def _from_file(where: str) -> str:
    path, _, field = where.partition("#")
    place = Path(path).expanduser()
    if not place.is_absolute():
        place = config.from_environment().home / place
    text = place.read_text(encoding="utf-8")
    return str(json.loads(text)[field]) if field else text.strip()
