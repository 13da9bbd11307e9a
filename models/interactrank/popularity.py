"""Engagements of every item within a window before a moment: the item scalar `engagements_30d`, without a look ahead."""
from dataclasses import dataclass

import numpy as np

from interactrank.counts import DAY_MS
from interactrank.logs import Log

WINDOW_DAYS = 30


@dataclass(frozen=True)
class PopularityIndex:
    """`keys`: item row · span + time since base, ascending."""

    keys: np.ndarray
    base_ms: int
    span_ms: int
    items: int


def index_popularity(log: Log, actions: tuple[str, ...]) -> PopularityIndex:
    events = log.events[log.events["action"].isin(actions)]
    time = events["time"].to_numpy(np.int64)
    base = int(time.min()) if len(time) else 0
    span = int(time.max()) - base + 2 if len(time) else 2
    keys = np.sort(events["item_row"].to_numpy(np.int64) * span + time - base)
    return PopularityIndex(keys, base, span, len(log.items))


def popularity(index: PopularityIndex, item_row: np.ndarray, as_of_ms: np.ndarray) -> np.ndarray:
    """float32: engagements in [as_of − 30 days, as_of), one for each pair."""

    def before(time: np.ndarray) -> np.ndarray:
        offset = np.clip(time - index.base_ms, 0, index.span_ms - 1)
        return np.searchsorted(index.keys, np.asarray(item_row, np.int64) * index.span_ms + offset)

    as_of = np.asarray(as_of_ms, np.int64)
    return (before(as_of) - before(as_of - WINDOW_DAYS * DAY_MS)).astype(np.float32)


def popularity_at(index: PopularityIndex, as_of_ms: int) -> np.ndarray:
    """float32 [M], for every item at one moment."""
    return popularity(index, np.arange(index.items), np.full(index.items, as_of_ms))
