"""User sequences: the last engagements strictly before a moment, and the packed event (docs/formats.md section 5)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.logs import Log

_TIME_BITS = np.uint64(48)
_TIME_MASK = np.uint64(2**48 - 1)
_ACTION_SHIFT = np.uint64(56)


@dataclass(frozen=True)
class Sequences:
    """[n, L] each, newest first: item_row int32 (−1 padding), action int32 (0 padding), time_ms int64 (0 padding)."""

    item_row: np.ndarray
    action: np.ndarray
    time_ms: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        return (self.item_row >= 0).astype(np.float32)

    def age_seconds(self, now_ms: np.ndarray) -> np.ndarray:
        """float32 [n, L], 0 in padding."""
        age = (np.asarray(now_ms, np.int64)[:, None] - self.time_ms) / 1000
        return np.where(self.item_row >= 0, age, 0).astype(np.float32)


@dataclass(frozen=True)
class SequenceIndex:
    """Engagements by user, then time; at equal times the later line of the log is the newer event."""

    users: pd.Index
    start: np.ndarray
    keys: np.ndarray
    base_ms: int
    span_ms: int
    item_row: np.ndarray
    action: np.ndarray
    time_ms: np.ndarray


def index_sequences(log: Log) -> SequenceIndex:
    events = log.engagements
    events = events[events["user"] != ""]
    code, users = pd.factorize(np.asarray(events["user"], object))
    time = events["time"].to_numpy()
    base = int(time.min()) if len(time) else 0
    span = int(time.max()) - base + 2 if len(time) else 2
    order = np.lexsort((np.arange(len(time)), time, code))
    return SequenceIndex(
        users=pd.Index(users, dtype=object),
        start=np.searchsorted(code[order], np.arange(len(users))),
        keys=code[order] * span + time[order] - base,
        base_ms=base,
        span_ms=span,
        item_row=events["item_row"].to_numpy()[order],
        action=events["action"].cat.codes.to_numpy(np.int32)[order],
        time_ms=time[order],
    )


def sequences_before(index: SequenceIndex, users, times_ms, length: int = 100) -> Sequences:
    """The last `length` engagements of each user strictly before each time. `users` are ids; unknown ones have none."""
    code = index.users.get_indexer(pd.Index(np.asarray(users, object), dtype=object))
    offset = np.clip(np.asarray(times_ms, np.int64) - index.base_ms, 0, index.span_ms - 1)
    end = np.searchsorted(index.keys, code * index.span_ms + offset)
    start = np.append(index.start, 0)[code]
    at = end[:, None] - 1 - np.arange(length)
    real = (at >= start[:, None]) & (code >= 0)[:, None]
    at = np.where(real, at, 0)

    def pick(values: np.ndarray, padding: int) -> np.ndarray:
        return np.where(real, values[at] if values.size else padding, padding).astype(values.dtype)

    return Sequences(pick(index.item_row, -1), pick(index.action, 0), pick(index.time_ms, 0))


def encode_events(item_keys, actions, times_ms) -> bytes:
    """16 bytes for each event, in the order given (the store keeps newest first)."""
    actions, times = np.asarray(actions, np.uint64), np.asarray(times_ms, np.uint64)
    if (actions > 255).any() or (times > _TIME_MASK).any():
        raise ValueError(f"actions {actions.max()} and times {times.max()} ms; expected at most 255 and {_TIME_MASK}")
    packed = np.empty((len(times), 2), "<u8")
    packed[:, 0] = np.asarray(item_keys, np.uint64)
    packed[:, 1] = times | (actions << _ACTION_SHIFT)
    return packed.tobytes()


def decode_events(data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Item keys (uint64), action codes and times in ms (int64)."""
    if len(data) % 16:
        raise ValueError(f"events of {len(data)} bytes; expected a multiple of 16")
    packed = np.frombuffer(data, "<u8").reshape(-1, 2)
    if ((packed[:, 1] >> _TIME_BITS) & np.uint64(255)).any():
        raise ValueError("bits 48–55 of an event are not zero; expected events of docs/formats.md section 5")
    return packed[:, 0].copy(), (packed[:, 1] >> _ACTION_SHIFT).astype(np.int64), (packed[:, 1] & _TIME_MASK).astype(np.int64)
