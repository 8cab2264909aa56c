"""Rates and latencies in bounded memory: what a channel's holder says every two seconds. Pure; `now` is in seconds."""

from __future__ import annotations

from bisect import bisect_left

_MINUTES = 60
_BOUNDS = [round(0.1 * 1.25**n, 4) for n in range(64)]  # milliseconds, 0.1 ms to more than two minutes


class Meter:
    """Events by the minute for an hour (`add`), and how long things took over the last minutes (`took`)."""

    __slots__ = ("_amounts", "_bytes", "_counts", "_errors", "_last", "_recent", "_started")

    def __init__(self, now: float) -> None:
        self._counts = [0] * _MINUTES
        self._bytes = [0] * _MINUTES
        self._errors = [0] * _MINUTES
        self._last = self._started = int(now // 60)
        self._recent = [0] * (len(_BOUNDS) + 1)
        self._amounts = [0] * (len(_BOUNDS) + 1)

    def add(self, now: float, size: int, count: int = 1) -> None:
        at = self._slot(now)
        self._counts[at] += count
        self._bytes[at] += size

    def error(self, now: float) -> None:
        self._errors[self._slot(now)] += 1

    def took(self, seconds: float) -> None:
        self._recent[bisect_left(_BOUNDS, seconds * 1000)] += 1

    def values(self, now: float) -> dict[str, object]:
        """rate_*: messages a minute, over the last full minute where there is one; series: 60 minutes, oldest first."""
        at = self._slot(now)
        share = now / 60 % 1  # the running minute and the rest of the one before make one minute
        before = (at - 1) % _MINUTES

        def smooth(values: list[int]) -> float:
            return round(values[at] + values[before] * (1 - share), 1)

        five = [self._counts[(at - k) % _MINUTES] for k in range(1, 6)]
        full = min(5, max(1, self._last - self._started))
        return {
            "rate_1m": smooth(self._counts),
            "rate_5m": round(sum(five) / full, 1),
            "bytes_1m": smooth(self._bytes),
            "errors_1m": smooth(self._errors),
            "latency_p50_ms": self._quantile(0.5),
            "latency_p95_ms": self._quantile(0.95),
            "series": [self._counts[(at + 1 + k) % _MINUTES] for k in range(_MINUTES)],
        }

    def _slot(self, now: float) -> int:
        minute = int(now // 60)
        if minute > self._last:
            for passed in range(min(minute - self._last, _MINUTES)):
                at = (minute - passed) % _MINUTES
                self._counts[at] = self._bytes[at] = self._errors[at] = 0
            self._last = minute
            self._amounts, self._recent = self._recent, [0] * (len(_BOUNDS) + 1)
        elif minute < self._last - 1:  # the machine's clock was set back: what was counted has no place any more
            self._counts, self._bytes, self._errors = [0] * _MINUTES, [0] * _MINUTES, [0] * _MINUTES
            self._last = self._started = minute
        return self._last % _MINUTES

    def _quantile(self, share: float) -> float | None:
        amounts = [a + b for a, b in zip(self._amounts, self._recent, strict=True)]
        wanted = share * sum(amounts)
        if not wanted:
            return None
        passed = 0
        for at, amount in enumerate(amounts):
            passed += amount
            if passed >= wanted:
                return _BOUNDS[min(at, len(_BOUNDS) - 1)]
        return _BOUNDS[-1]
