"""Whose password it is: the own table's, or the hospital's directory's. Each account belongs to one of them, so
that local accounts still open when the directory is down."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from .directory import Directory
from .models import User


class _Backend(BaseBackend):
    source = ""

    def get_user(self, user_id: Any) -> User | None:
        """The account of a session; None once it is switched off or past its date."""
        user = User.objects.select_related("organisation").filter(pk=user_id).first()
        return user if user is not None and user.in_force() else None

    def find(self, username: str) -> User | None:
        people = User.objects.select_related("organisation")
        return people.filter(username__iexact=username, source=self.source).first()


class LocalBackend(_Backend):
    source = User.Source.LOCAL

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The account whose password this is, switched off or not: the sign-in says so then."""
        if not username or not password:
            return None
        user = self.find(username)
        if user is None:
            make_password(password)  # an unknown 工号 takes as long as a known one
            return None
        return user if user.check_password(password) else None


class LdapBackend(_Backend):
    source = User.Source.LDAP

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Raises DirectoryUnavailable where the directory cannot be asked."""
        config = settings.ACCOUNTS_LDAP
        if config is None or not username or not password:
            return None
        user = self.find(username)
        if user is None or not directory(config).check(user.username, password):
            return None
        return user


class OidcBackend(_Backend):
    """Names where a session comes from; the single sign-on itself vouches for the person (oidc.py)."""

    source = User.Source.OIDC


def directory(config: Any) -> Directory:
    return Directory(config)
