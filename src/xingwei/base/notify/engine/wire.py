"""What is to be said to a service, and what it answered: plain data, so that it can be said from elsewhere.

A delivery is one call or a few: get a token, then send. `take` names values of an answer that later calls carry
as {name} in their address. The relay (channels/relay) is sent the same calls as JSON and sends back answers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpCall:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    take: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """security: tls, starttls or none. check: whether its certificate must be trusted."""

    host: str
    port: int
    security: str = "tls"
    username: str = ""
    password: str = field(default="", repr=False)
    check: bool = True


@dataclass(frozen=True, slots=True)
class MailCall:
    """raw: the whole mail (RFC 822). server: None where the one who carries it has its own."""

    sender: str
    recipient: str
    raw: bytes
    server: SmtpServer | None = None


Call = HttpCall | MailCall


@dataclass(frozen=True, slots=True)
class Answer:
    """status: of HTTP or SMTP, 0 where none came, trouble then saying in Chinese why not."""

    status: int
    body: str = ""
    trouble: str = ""

    @property
    def arrived(self) -> bool:
        return not self.trouble

    def data(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class WireError(ValueError):
    """A relay was sent, or sent back, something that is no call and no answer."""


def at_path(data: Any, path: str) -> Any:
    """The value at "code" or "data.0.status" of parsed JSON; None where there is none."""
    for step in path.split("."):
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def as_json(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The calls as JSON. A mail's server stays here: the relay has its own."""
    out: list[dict[str, Any]] = []
    for call in calls:
        if isinstance(call, HttpCall):
            out.append(
                {
                    "method": call.method,
                    "url": call.url,
                    "headers": dict(call.headers),
                    "body": base64.b64encode(call.body).decode(),
                    "take": dict(call.take),
                }
            )
        else:
            raw = base64.b64encode(call.raw).decode()
            out.append({"mail_from": call.sender, "mail_to": call.recipient, "raw": raw})
    return out


def calls_of(data: Any) -> list[Call]:
    """The calls of their JSON; raises WireError."""
    try:
        return [_call(d) for d in data]
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"中转收到的内容不对：{error}") from error


def _call(d: Mapping[str, Any]) -> Call:
    if "mail_to" in d:
        return MailCall(str(d["mail_from"]), str(d["mail_to"]), base64.b64decode(d["raw"]))
    return HttpCall(
        str(d["method"]), str(d["url"]), dict(d["headers"]), base64.b64decode(d["body"]), dict(d.get("take") or {})
    )
