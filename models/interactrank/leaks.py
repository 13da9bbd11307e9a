"""Finds features that see the future: whatever happens at or after a row's time must not change its features."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from interactrank.logs import Log


class LeakError(AssertionError):
    """A feature of a row changed when only events at or after the row's time were changed."""


def scramble_from(log: Log, time_ms: int, seed: int) -> Log:
    """The same log with every event at or after `time_ms` given other users, queries, items, actions and contexts."""
    events = log.events.copy()
    late = np.flatnonzero(events["time"].to_numpy() >= time_ms)
    rng = np.random.default_rng(seed)
    for name in ("user", "query", "action", "country", "gender"):
        codes = events[name].cat.codes.to_numpy().copy()
        codes[late] = rng.integers(0, max(len(events[name].cat.categories), 1), late.size)
        if len(events[name].cat.categories):
            events[name] = pd.Categorical.from_codes(codes, events[name].cat.categories)
    item_row = events["item_row"].to_numpy().copy()
    item_row[late] = rng.integers(0, len(log.items), late.size)
    events["item_row"] = item_row
    return replace(log, events=events)


def check_no_leak(
    features_of: Callable[[Log], np.ndarray], log: Log, times_ms: np.ndarray, *, cuts: int = 8, seed: int = 0
) -> None:
    """`features_of(log)` gives one line of features for each row; `times_ms` are the rows' times. For some of those times,
    everything from then on is scrambled, and the rows up to then must keep their features. Raises LeakError."""
    times_ms = np.asarray(times_ms)
    rng = np.random.default_rng(seed)
    before = np.asarray(features_of(log), np.float64)
    for cut in np.unique(rng.choice(times_ms, min(cuts, len(times_ms)), replace=False)):
        after = np.asarray(features_of(scramble_from(log, int(cut), seed)), np.float64)
        up_to_cut = times_ms <= cut
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        differs = up_to_cut & ~same.reshape(len(times_ms), -1).all(axis=1)
        if differs.any():
            row = int(np.argmax(differs))
            raise LeakError(
                f"{int(differs.sum())} of {int(up_to_cut.sum())} rows see events at or after their own time (first: row {row},"
                f" time {times_ms[row]}, features {before[row]} became {after[row]}); use only what was before the row"
            )
