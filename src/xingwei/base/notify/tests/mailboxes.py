"""An IMAP and a POP3 server that know what a mailbox needs, with the quirks that Chinese providers have."""

from __future__ import annotations

import re
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Mailbox:
    """strict: refuse to open a folder before ID (as NetEase does). uidl: whether POP3 knows lasting names."""

    mails: list[bytes] = field(default_factory=list)
    password: str = "auth-code"
    strict: bool = False
    uidl: bool = True
    folder: str = "INBOX"
    seen: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def fetched(self) -> int:
        return sum("BODY.PEEK[]" in c or c.startswith("RETR") for c in self.commands)


class _Imap(socketserver.StreamRequestHandler):
    box: Mailbox

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self) -> None:
        self.named = False
        self.say("* OK IMAP4rev1 ready")
        while line := self.rfile.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.box.commands.append(command)
            if self.answer(tag, command) == "bye":
                return

    def answer(self, tag: str, command: str) -> str:
        word = command.split(maxsplit=1)[0].upper()
        box = self.box
        if word == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1 ID")
        elif word == "LOGIN":
            if box.password not in command:
                return self.done(tag, "NO LOGIN Login error or password error")
        elif word == "ID":
            self.named = True
            self.say('* ID ("name" "fake")')
        elif word == "SELECT":
            if box.strict and not self.named:
                return self.done(tag, "NO SELECT Unsafe Login. Please contact kefu@188.com for help")
            if f'"{box.folder}"' not in command:
                return self.done(tag, "NO no such folder")
            self.say(f"* {len(box.mails)} EXISTS")
        elif word == "UID":
            self.uid(command)
        elif word == "LOGOUT":
            self.say("* BYE")
            self.done(tag, "OK")
            return "bye"
        return self.done(tag, "OK done")

    def done(self, tag: str, text: str) -> str:
        self.say(f"{tag} {text}")
        return ""

    def uid(self, command: str) -> None:
        box = self.box
        if "SEARCH" in command:
            unseen = [str(i + 1) for i in range(len(box.mails)) if i + 1 not in box.seen | box.deleted]
            self.say(f"* SEARCH {' '.join(unseen)}")
            return
        uid = int(re.search(r"(?:FETCH|STORE) (\d+)", command)[1])  # type: ignore[index]
        if "STORE" in command:
            box.seen.add(uid)
            if "Deleted" in command:
                box.deleted.add(uid)
            return
        mail = box.mails[uid - 1]
        if "RFC822.SIZE" in command:
            self.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(mail)})")
            return
        part = mail.split(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in command else mail
        name = "BODY[HEADER]" if "HEADER" in command else "BODY[]"
        self.wfile.write(f"* {uid} FETCH (UID {uid} {name} {{{len(part)}}}\r\n".encode() + part + b")\r\n")


class _Pop3(socketserver.StreamRequestHandler):
    box: Mailbox

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self) -> None:
        self.say("+OK ready")
        gone: set[int] = set()
        while line := self.rfile.readline():
            command = line.decode().strip()
            self.box.commands.append(command)
            word, *args = command.split()
            if word == "QUIT":
                self.box.deleted |= gone
                self.say("+OK bye")
                return
            getattr(self, f"do_{word}", lambda *a: self.say("-ERR unknown"))(gone, *args)

    def present(self) -> list[int]:
        return [i + 1 for i in range(len(self.box.mails)) if i + 1 not in self.box.deleted]

    def do_USER(self, gone: set[int], *args: str) -> None:
        self.say("+OK")

    def do_PASS(self, gone: set[int], *args: str) -> None:
        self.say("+OK" if args[0] == self.box.password else "-ERR Unable to log on")

    def do_UIDL(self, gone: set[int], *args: str) -> None:
        if not self.box.uidl:
            self.say("-ERR not supported")
            return
        self.lines(f"{n} lasting-{n}".encode() for n in self.present())

    def do_LIST(self, gone: set[int], *args: str) -> None:
        self.lines(f"{n} {len(self.box.mails[n - 1])}".encode() for n in self.present())

    def do_RETR(self, gone: set[int], number: str) -> None:
        self.lines(self.box.mails[int(number) - 1].split(b"\r\n"))

    def do_TOP(self, gone: set[int], number: str, *args: str) -> None:
        self.lines(self.box.mails[int(number) - 1].split(b"\r\n\r\n")[0].split(b"\r\n"))

    def do_DELE(self, gone: set[int], number: str) -> None:
        gone.add(int(number))
        self.say("+OK")

    def lines(self, lines: Any) -> None:
        self.say("+OK")
        for line in lines:
            self.wfile.write((b"." + line if line.startswith(b".") else line) + b"\r\n")
        self.say(".")


def start(protocol: str) -> tuple[Mailbox, socketserver.ThreadingTCPServer]:
    box = Mailbox()
    handler = type("Handler", ({"imap": _Imap, "pop3": _Pop3}[protocol],), {"box": box})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    box.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return box, server
