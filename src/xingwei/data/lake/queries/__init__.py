"""What others ask the lake: which files hold a dataset's days."""

from .parts import Part, parts

__all__ = ["Part", "parts"]
