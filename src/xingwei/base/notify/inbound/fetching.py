"""Fetching mail from the mailbox, by IMAP or POP3. What is kept is marked or deleted there only afterwards."""

from __future__ import annotations

import base64
import imaplib
import poplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from xingwei.base.journal.who import Who

from ..channels.base import Unsendable, opened
from ..channels.carry import tls_context
from ..models import InboundMessage, MailServer
from . import store

TIMEOUT_S = 20.0
_PORTION = 50
_ACTOR = Who(id=None, name="系统", via="email")
_CLIENT = '("name" "xingwei" "version" "1.0" "vendor" "xingwei")'
imaplib.Commands["ID"] = ("AUTH", "SELECTED")  # NetEase refuses to open a folder for who does not say who he is


class FetchFailed(Exception):
    """The mailbox could not be read; the message is Chinese."""


def fetch() -> int:
    """Keep what is new in the mailbox; how many. What went wrong is noted on the mail settings."""
    server = MailServer.objects.filter(pk=1).exclude(protocol="").first()
    if server is None:
        return 0
    error, kept = "", 0
    try:
        kept = _by_imap(server) if server.protocol == MailServer.Protocol.IMAP else _by_pop3(server)
    except (FetchFailed, Unsendable) as why:
        error = str(why)
    MailServer.objects.filter(pk=1).update(in_checked_at=timezone.now(), in_error=error[:300])
    return kept


def _by_imap(server: MailServer) -> int:
    kept = 0
    with _words(server), _imap(server) as box:
        box.login(server.in_username, opened(server.in_password, "mail.in_password"))
        if "ID" in box.capabilities:
            box._simple_command("ID", _CLIENT)  # imaplib has no public way to send a command it does not know
        answer, _ = box.select(_folder_name(server.in_folder))
        if answer != "OK":
            raise FetchFailed(f"邮箱里没有文件夹“{server.in_folder}”。")
        _, found = box.uid("SEARCH", "UNSEEN")
        for uid in (found[0] or b"").split()[:_PORTION]:
            kept += _take(box, uid.decode("ascii"), server.in_delete)
        if server.in_delete:
            box.expunge()
    return kept


def _take(box: imaplib.IMAP4, uid: str, delete: bool) -> bool:
    size = _number(box.uid("FETCH", uid, "(RFC822.SIZE)")[1])
    new = False
    if size > store.max_bytes():
        head = _literal(box.uid("FETCH", uid, "(BODY.PEEK[HEADER])")[1])
        if head:
            new = store.keep_oversized(_ACTOR, head, size, source="imap", ref=uid)[1]
        delete = False  # the only whole copy is there
    else:
        raw = _literal(box.uid("FETCH", uid, "(BODY.PEEK[])")[1])
        if raw is None:
            return False
        new = store.keep_mail(_ACTOR, raw, source="imap", ref=uid)[1]
    box.uid("STORE", uid, "+FLAGS", r"(\Seen \Deleted)" if delete else r"(\Seen)")
    return new


def _by_pop3(server: MailServer) -> int:
    kept = 0
    with _words(server), _pop3(server) as box:
        box.user(server.in_username)
        box.pass_(opened(server.in_password, "mail.in_password"))
        refs = _pop3_refs(box)
        known = set(
            InboundMessage.objects.filter(source="pop3", source_ref__in=refs.values()).values_list(
                "source_ref", flat=True
            )
        )
        for line in box.list()[1]:
            number, size = (int(n) for n in line.split()[:2])
            ref = refs.get(number, "")
            if (ref and ref in known) or kept >= _PORTION:
                continue
            if size > store.max_bytes():
                kept += store.keep_oversized(_ACTOR, b"\r\n".join(box.top(number, 0)[1]), size, source="pop3", ref=ref)[
                    1
                ]
                continue
            kept += store.keep_mail(_ACTOR, b"\r\n".join(box.retr(number)[1]) + b"\r\n", source="pop3", ref=ref)[1]
            if server.in_delete:
                box.dele(number)
    return kept


def _pop3_refs(box: poplib.POP3) -> dict[int, str]:
    """Message numbers to their lasting names; {} for a server without UIDL, where Message-ID must do."""
    try:
        lines = box.uidl()[1]
    except poplib.error_proto:
        return {}
    pairs = (line.decode("ascii", "replace").split(maxsplit=1) for line in lines)
    return {int(p[0]): p[1][:200] for p in pairs if len(p) == 2 and p[0].isdecimal()}


@contextmanager
def _imap(server: MailServer) -> Iterator[imaplib.IMAP4]:
    context = tls_context(server.check_certificate)
    if server.in_security == MailServer.Security.TLS:
        box: imaplib.IMAP4 = imaplib.IMAP4_SSL(server.in_host, server.in_port, ssl_context=context, timeout=TIMEOUT_S)
    else:
        box = imaplib.IMAP4(server.in_host, server.in_port, timeout=TIMEOUT_S)
        if server.in_security == MailServer.Security.STARTTLS:
            box.starttls(context)
    try:
        yield box
    finally:
        box.shutdown()


@contextmanager
def _pop3(server: MailServer) -> Iterator[poplib.POP3]:
    context = tls_context(server.check_certificate)
    if server.in_security == MailServer.Security.TLS:
        box: poplib.POP3 = poplib.POP3_SSL(server.in_host, server.in_port, context=context, timeout=TIMEOUT_S)
    else:
        box = poplib.POP3(server.in_host, server.in_port, timeout=TIMEOUT_S)
        if server.in_security == MailServer.Security.STARTTLS:
            box.stls(context)
    try:
        yield box
        box.quit()  # only now are deletions done
    finally:
        box.close()


@contextmanager
def _words(server: MailServer) -> Iterator[None]:
    """What goes wrong with a mailbox, in Chinese; a server's own words only as far as they are harmless."""
    try:
        yield
    except (imaplib.IMAP4.error, poplib.error_proto) as error:
        said = re.sub(r"[^\w .,:()\u4e00-\u9fff-]", "", str(error))[:120]
        raise FetchFailed(
            f"邮箱拒绝了：{said}。请核对账号、授权码，以及邮箱是否开启了 {server.protocol.upper()}。"
        ) from error
    except ssl.SSLError as error:
        raise FetchFailed("收信服务器的证书不受信任，或端口与加密方式不相配。") from error
    except (OSError, EOFError) as error:
        raise FetchFailed("连不上收信服务器，或它没有在 20 秒内回答。") from error


def _folder_name(name: str) -> str:
    """Quoted, in IMAP's own UTF-7 (RFC 3501, 5.1.3)."""

    def shifted(match: re.Match[str]) -> str:
        text = base64.b64encode(match[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{text}-"

    plain = re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-"))
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(data: list[object]) -> bytes | None:
    for piece in data:
        if isinstance(piece, tuple) and len(piece) > 1 and isinstance(piece[1], bytes):
            return piece[1]
    return None


def _number(data: list[object]) -> int:
    for piece in data:
        if isinstance(piece, bytes) and (found := re.search(rb"RFC822\.SIZE (\d+)", piece)):
            return int(found[1])
    return 0
