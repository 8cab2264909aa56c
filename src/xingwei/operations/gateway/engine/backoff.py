"""How long to wait before the next try: exponential, with jitter and a cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_EXPONENT_MAX = 62  # 2**62 times any base is beyond every cap


@dataclass(frozen=True, slots=True)
class Backoff:
    """base_s: the first wait; cap_s: the longest; jitter: the share of a wait that chance decides, 0 to 1, so that
    what failed together does not come back together."""

    base_s: float = 1.0
    cap_s: float = 300.0
    jitter: float = 0.3

    @classmethod
    def of(cls, delivery: Mapping[str, Any]) -> Backoff:
        """From Channel.delivery."""
        return cls(float(delivery.get("backoff_s", 1)), float(delivery.get("backoff_cap_s", 300)))

    def wait(self, failures: int, chance: float) -> float:
        """Seconds after so many failures in a row (from 1). chance: 0 ≤ chance < 1, from a random source.

        Never longer than the cap, never shorter than (1 - jitter) of the plain exponential wait.
        """
        plain = min(self.cap_s, self.base_s * 2.0 ** min(max(failures, 1) - 1, _EXPONENT_MAX))
        return plain * (1 - self.jitter * chance)
