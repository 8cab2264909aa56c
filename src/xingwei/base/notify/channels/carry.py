"""Carrying calls to the services: the only place of this room that opens connections outward.

No Django here: the relay runs it on a machine that has no database. What it reports never names an address,
which may hold a token.
"""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import quote

import httpx

from ..engine.wire import Answer, Call, HttpCall, MailCall, SmtpServer, at_path

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs every address, and ours hold tokens
TIMEOUT_S = 10.0
MAX_ANSWER = 64 * 1024
_KEPT = 2000


def client() -> httpx.Client:
    """What all calls of one round share. Redirects are not followed: a robot's address never moves."""
    return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, headers={"User-Agent": "Xingwei"})


def carry(
    calls: Sequence[Call],
    http: httpx.Client,
    *,
    smtp: SmtpServer | None = None,
    allowed: Callable[[str], bool] = lambda host: True,
) -> list[Answer]:
    """Make the calls in order; stops where an answer does not give what the next call needs.

    smtp: the server for mails that name none. allowed: whether a host may be called (the relay asks).
    """
    answers: list[Answer] = []
    taken: dict[str, str] = {}
    for call in calls:
        if isinstance(call, MailCall):
            answers.append(_mail(call, call.server or smtp))
            continue
        answer = _http(call, http, taken, allowed)
        answers.append(answer)
        for name, path in call.take.items():
            value = at_path(answer.data(), path)
            if not isinstance(value, str) or not value:
                return answers
            taken[name] = value
    return answers


def _http(call: HttpCall, http: httpx.Client, taken: dict[str, str], allowed: Callable[[str], bool]) -> Answer:
    url = call.url
    for name, value in taken.items():
        url = url.replace(f"{{{name}}}", quote(value, safe=""))
    try:
        if not allowed(httpx.URL(url).host):
            return Answer(0, trouble="中转不允许访问这个地址，请在中转命令里用 --allow 放行")
        with http.stream(call.method, url, headers=dict(call.headers), content=call.body or None) as response:
            raw = b""
            for chunk in response.iter_bytes():
                raw += chunk
                if len(raw) > MAX_ANSWER:
                    break
            return Answer(response.status_code, _text(raw))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        return Answer(0, trouble=_words(error))


def _text(raw: bytes) -> str:
    """Old gateways answer in GBK without saying so."""
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)[:_KEPT].replace("\x00", "")
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")[:_KEPT].replace("\x00", "")


def _words(error: Exception) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "连接超时，可能没有外网出口"
    if isinstance(error, httpx.TimeoutException):
        return f"对方 {TIMEOUT_S:.0f} 秒内没有回答"
    if isinstance(error, httpx.ConnectError):
        cause = str(error)
        if "CERTIFICATE" in cause.upper() or "certificate" in cause:
            return "对方的证书不受信任"
        if "Name or service" in cause or "name resolution" in cause or "getaddrinfo" in cause:
            return "域名解析不了，可能没有外网出口"
        return "连不上对方"
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError)):
        return "地址写法不对"
    return "连接中断"


def _mail(call: MailCall, server: SmtpServer | None) -> Answer:
    if server is None:
        return Answer(0, trouble="中转没有配置发信服务器，请用 --smtp 指定")
    try:
        with _connect(server) as smtp:
            if server.username:
                smtp.login(server.username, server.password)
            options = ["SMTPUTF8"] if smtp.has_extn("smtputf8") and not call.recipient.isascii() else []
            smtp.sendmail(call.sender, [call.recipient], call.raw, mail_options=options)
            return Answer(250, "250 OK")
    except smtplib.SMTPRecipientsRefused as error:
        return _refusal(*next(iter(error.recipients.values())))
    except smtplib.SMTPAuthenticationError as error:
        return Answer(535, _said(error.smtp_code, error.smtp_error))
    except smtplib.SMTPResponseException as error:
        return _refusal(error.smtp_code, error.smtp_error)
    except smtplib.SMTPException:
        return Answer(0, trouble="发信服务器中断了连接，或不支持所选的加密方式")
    except ssl.SSLError:
        return Answer(0, trouble="发信服务器的证书不受信任，或端口与加密方式不相配")
    except (TimeoutError, socket.gaierror, OSError, UnicodeError) as error:
        return Answer(0, trouble="发信服务器超时没有回答" if isinstance(error, TimeoutError) else "连不上发信服务器")


def tls_context(check: bool) -> ssl.SSLContext:
    """check=False: for a hospital's own server with a certificate of its own making, when its page says so."""
    context = ssl.create_default_context()
    if not check:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _connect(server: SmtpServer) -> smtplib.SMTP:
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=tls_context(server.check))
    smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    if server.security == "starttls":
        smtp.starttls(context=tls_context(server.check))
        smtp.ehlo()
    return smtp


def _refusal(code: int, text: bytes | str) -> Answer:
    return Answer(code, _said(code, text))


def _said(code: int, text: bytes | str) -> str:
    words = _text(text) if isinstance(text, bytes) else text
    return f"{code} {words}"[:_KEPT]
