"""Engagement counts of items under queries: what is counted, counts as of a time for training rows, and count blobs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interactrank.keys import xxh64

DAY_MS = 86_400_000


@dataclass(frozen=True)
class CountColumn:
    """Counts events of `action` with as_of − window ≤ time < as_of; a window of 0 days is all time before as_of."""

    name: str
    action: str
    window_days: float

    def start(self, as_of_ms: np.ndarray | int) -> np.ndarray | int:
        """First moment that counts, for one or many as-of times."""
        return as_of_ms - int(self.window_days * DAY_MS) if self.window_days else np.zeros_like(as_of_ms)


@dataclass(frozen=True)
class CountSchema:
    """`segments`: `all`, `token`, or a column of the user context such as `country`."""

    columns: tuple[CountColumn, ...]
    segments: tuple[str, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column.action for column in self.columns))

    @property
    def fingerprint(self) -> int:
        """u32 in every blob's header (docs/formats.md section 3)."""
        return column_fingerprint([column.name for column in self.columns])


def column_fingerprint(names: Sequence[str]) -> int:
    return xxh64(",".join(names)) & 0xFFFFFFFF


def last_daily_build(times_ms: np.ndarray) -> np.ndarray:
    """The as-of time that serving would have had: 00:00 UTC of the same day."""
    return np.asarray(times_ms, np.int64) // DAY_MS * DAY_MS
