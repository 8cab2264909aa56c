"""The gateway over HTTP: the same acts as on the pages, with a person's token."""

from . import catalogue, channels, critical, messages, operations, queue, versions  # noqa: F401 - each adds its operations
from .router import router

__all__ = ["router"]
