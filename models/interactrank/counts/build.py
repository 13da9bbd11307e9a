"""Count blobs as of a time: what the batch build writes to the store."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from interactrank.counts import CountSchema
from interactrank.counts.blob import CountBlob, encode_count_blob
from interactrank.counts.groups import memberships
from interactrank.logs import Log


def count_blobs(log: Log, schema: CountSchema, as_of_ms: int) -> dict[str, bytes]:
    """Store key → blob. An item is listed when any column counts it; a group without any count has no blob."""
    blobs: dict[str, bytes] = {}
    earliest = min(column.start(as_of_ms) for column in schema.columns)
    events = log.events
    wanted = events["action"].isin(schema.actions) & (events["time"] < as_of_ms) & (events["time"] >= earliest)
    events = events[wanted]
    for segment in schema.segments:
        for key, blob in _segment_blobs(log, events, schema, segment, as_of_ms):
            blobs[key] = encode_count_blob(blob)
    return blobs


def _segment_blobs(
    log: Log, events: pd.DataFrame, schema: CountSchema, segment: str, as_of_ms: int
) -> Iterator[tuple[str, CountBlob]]:
    keys = np.sort(log.items["key"].to_numpy(np.uint64))
    rank = np.searchsorted(keys, log.items["key"].to_numpy(np.uint64))
    member = memberships(events, segment)
    time, action = events["time"].to_numpy()[member.rows], events["action"].to_numpy()[member.rows]
    pairs, pair = np.unique(member.groups * len(keys) + rank[events["item_row"].to_numpy()[member.rows]], return_inverse=True)
    inside = [(action == column.action) & (time >= column.start(as_of_ms)) for column in schema.columns]
    counts = np.stack([np.bincount(pair[mask], minlength=len(pairs)) for mask in inside]).astype(np.uint32)
    listed = counts.any(axis=0)
    counts, pairs = counts[:, listed], pairs[listed]
    group = pairs // len(keys)
    bounds = np.searchsorted(group, np.arange(len(member.names) + 1))
    for number, name in enumerate(member.names):
        mine = slice(bounds[number], bounds[number + 1])
        if mine.start == mine.stop:
            continue
        totals = counts[:, mine].sum(axis=1, dtype=np.float64)
        blob = CountBlob(schema.fingerprint, float(as_of_ms), totals, keys[pairs[mine] % len(keys)], counts[:, mine])
        yield name, blob
