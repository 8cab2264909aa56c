"""Passwords and keys in a channel's settings: sealed, in a file, in the environment, or plain.

`sm4.…` is a token sealed for this very channel and field; `file:PATH` is a file's content, `file:PATH#NAME` a field of a
JSON file (PATH below the product's home unless absolute); `env:NAME` a variable. A gateway process runs without Django.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xingwei.base.runtime import config
from xingwei.base.runtime.crypto import CryptoError, SecretBox

from .base import ChannelConfig, ChannelProblem
from .base import kind as kind_of

_REFERENCES = ("sm4.", "file:", "env:")


def purpose(code: str, name: str) -> str:
    """To what a sealed setting is bound."""
    return f"gateway.{code}.{name}"


def secret(channel: ChannelConfig, name: str) -> str:
    """The plain text; empty where nothing is set. Raises ChannelProblem."""
    value = str(channel.settings.get(name) or "")
    try:
        if value.startswith("sm4."):
            return SecretBox(config.from_environment().secrets).decrypt(value, purpose=purpose(channel.code, name))
        if value.startswith("file:"):
            return _from_file(value[5:])
        if value.startswith("env:"):
            return os.environ[value[4:]]
    except CryptoError as error:
        raise ChannelProblem(f"通道参数 {name} 打不开：{error}") from None
    except KeyError:
        raise ChannelProblem(f"通道参数 {name} 指的环境变量 {value[4:]} 没有设置。") from None
    except (OSError, ValueError, TypeError):
        raise ChannelProblem(f"通道参数 {name} 指的文件读不到，或里面没有这一项。") from None
    return value


def sealed(code: str, kind: str, settings: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they are stored: what the kind's schema calls a password is sealed. A secret that did not change keeps
    its token, so that saving the same again changes nothing. Raises ChannelProblem."""
    out = dict(settings)
    box = SecretBox(config.from_environment().secrets)
    for name, field in kind_of(kind).schema["properties"].items():
        value = out.get(name)
        if (
            field.get("format") != "password"
            or not isinstance(value, str)
            or not value
            or value.startswith(_REFERENCES)
        ):
            continue
        old = str(before.get(name) or "")
        out[name] = (
            old if _opens_to(box, old, purpose(code, name), value) else box.encrypt(value, purpose=purpose(code, name))
        )
    return out


def _opens_to(box: SecretBox, token: str, bound: str, text: str) -> bool:
    try:
        return token.startswith("sm4.") and box.decrypt(token, purpose=bound) == text
    except CryptoError:
        return False


def _from_file(where: str) -> str:
    path, _, field = where.partition("#")
    place = Path(path).expanduser()
    if not place.is_absolute():
        place = config.from_environment().home / place
    text = place.read_text(encoding="utf-8")
    return str(json.loads(text)[field]) if field else text.strip()
