"""The hospital's directory (LDAP, Active Directory): is this password right there?"""

from __future__ import annotations

import ssl
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from .environment import Ldap

_TIMEOUT_S = 5


class DirectoryUnavailable(Exception):
    """The directory does not answer, or not to our own account; the message is Chinese."""


class Directory:
    """strategy: ldap3's; tests put MOCK_SYNC there, with a server of their own."""

    def __init__(self, config: Ldap, *, server: Any = None, strategy: str = ldap3.SYNC) -> None:
        self.config = config
        self.strategy = strategy
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=config.ca or None)
        self.server = server or ldap3.Server(config.url, tls=tls, connect_timeout=_TIMEOUT_S)

    def check(self, username: str, password: str) -> bool:
        """Whether exactly one person of that 工号 is there and the password is theirs.

        Raises DirectoryUnavailable. An empty password is never right: a directory would take it for an
        anonymous bind, which succeeds.
        """
        if not username or not password:
            return False
        try:
            found = self._find(username)
            return len(found) == 1 and self._opens(found[0], password)
        except LDAPException as error:
            raise DirectoryUnavailable("医院目录现在连不上，请稍后再试；急需登录请用本系统的应急账号。") from error

    def _find(self, username: str) -> list[str]:
        """The distinguished names of whom the filter finds, two at most."""
        looking = self._connect(self.config.bind_dn, self.config.bind_password)
        try:
            if not looking.bind():
                raise DirectoryUnavailable("医院目录不接受本系统的查询账号，请系统管理员检查配置。")
            wanted = self.config.filter.format(username=escape_filter_chars(username))
            looking.search(self.config.base, wanted, attributes=[], size_limit=2, time_limit=_TIMEOUT_S)
            return [e["dn"] for e in looking.response or [] if e.get("type") == "searchResEntry"]
        finally:
            looking.unbind()

    def _opens(self, dn: str, password: str) -> bool:
        own = self._connect(dn, password)
        try:
            return bool(own.bind())
        finally:
            own.unbind()

    def _connect(self, user: str, password: str) -> ldap3.Connection:
        """A connection that is not bound yet."""
        connection = ldap3.Connection(
            self.server,
            user=user or None,
            password=password or None,
            client_strategy=self.strategy,
            receive_timeout=_TIMEOUT_S,
            raise_exceptions=False,
            read_only=True,
        )
        if self.config.starttls:
            connection.start_tls()
        return connection
