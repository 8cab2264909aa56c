"""Secrets of the channels, sealed for the very row and field that they belong to."""

from __future__ import annotations

from django.conf import settings

from xingwei.base.runtime.crypto import SecretBox


def seal(text: str, purpose: str) -> str:
    """The token to store; "" stays ""."""
    return SecretBox(settings.CONFIG.secrets).encrypt(text, purpose=f"notify.{purpose}") if text else ""


def unseal(token: str, purpose: str) -> str:
    """The plain text; raises runtime.crypto.CryptoError when key or purpose are not those of the sealing."""
    return SecretBox(settings.CONFIG.secrets).decrypt(token, purpose=f"notify.{purpose}") if token else ""
