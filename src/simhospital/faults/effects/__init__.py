"""Effects that something must hold or undo: each kind is a class in a module of this package.

An effect is planned (what undoing will need, written down first), applied, and undone; undoing is safe to repeat and
needs nothing but the specification and the plan, so another process can do it after a crash.
"""

from __future__ import annotations

from .base import Context, Effect, EffectError, kinds

__all__ = ["Context", "Effect", "EffectError", "kinds"]
