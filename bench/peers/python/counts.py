"""
Engagement counts of a request from Redis, in one pipelined round trip. Two layouts: `Hashes`, one hash per (query, segment)
with a field per item, and `Blobs`, the packed count blobs of docs/formats.md section 3. N candidates, F count columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from interactrank.text import distinct_tokens, query_key
from redis.asyncio import Redis

from items import intersect

PREFIX = "pr:"
HASH_PREFIX = "pr:hash:"
BLOB_HEADER_BYTES = 32


@dataclass(frozen=True)
class Counts:
    """What one key holds of the candidates: counts [F, hits] of the candidates at `positions`."""

    segment: str
    totals: np.ndarray
    positions: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Read:
    events: Sequence[bytes]
    counts: list[Counts]


class Store(Protocol):
    async def read(self, request: dict, keys: np.ndarray) -> Read:
        """`keys`: candidates, uint64 [N], ascending, none twice."""
        ...


def count_keys(segments: list[str], request: dict) -> list[tuple[str, str]]:
    """(segment, key) of every count blob that the request needs."""
    text, user = request["query"]["text"], request.get("user", {})
    found = []
    for segment in segments:
        if segment == "token":
            found += [(segment, f"iqp:token:{{{token}}}") for token in distinct_tokens(text)]
        elif segment == "all":
            found.append((segment, f"iqp:all:{{{query_key(text)}}}"))
        elif user.get(segment) is not None:
            found.append((segment, f"iqp:{segment}={user[segment]}:{{{query_key(text)}}}"))
    return found


class Blobs:
    def __init__(self, redis: Redis, *, segments: list[str], columns: int):
        self.redis, self.segments, self.columns = redis, segments, columns

    async def read(self, request: dict, keys: np.ndarray) -> Read:
        wanted = count_keys(self.segments, request)
        pipe = self.redis.pipeline(transaction=False)
        pipe.lrange(_sequence_key(request), 0, -1)
        for _, key in wanted:
            pipe.get(PREFIX + key)
        events, *values = await pipe.execute()
        found = [_join_blob(segment, value, keys) for (segment, _), value in zip(wanted, values, strict=True) if value]
        return Read(events, found)


def _join_blob(segment: str, value: bytes, keys: np.ndarray) -> Counts:
    columns = int.from_bytes(value[6:8], "little")
    items = int.from_bytes(value[8:12], "little")
    totals = np.frombuffer(value, "<f8", columns, BLOB_HEADER_BYTES)
    keys_at = BLOB_HEADER_BYTES + 8 * columns
    listed = np.frombuffer(value, "<u8", items, keys_at)
    counts = np.frombuffer(value, "<u4", columns * items, keys_at + 8 * items).reshape(columns, items)
    positions, in_blob = intersect(keys, listed)
    return Counts(segment, totals, positions, counts[:, in_blob])


class Hashes:
    """Field `totals` holds F float64; a field named after an item id holds its F counts as uint32."""

    def __init__(self, redis: Redis, *, segments: list[str], columns: int):
        self.redis, self.segments, self.columns = redis, segments, columns

    async def read(self, request: dict, keys: np.ndarray) -> Read:
        wanted = count_keys(self.segments, request)
        fields = ["totals", *keys.tolist()]
        pipe = self.redis.pipeline(transaction=False)
        pipe.lrange(_sequence_key(request), 0, -1)
        for _, key in wanted:
            pipe.hmget(HASH_PREFIX + key, fields)
        events, *values = await pipe.execute()
        found = [self._join_fields(segment, *value) for (segment, _), value in zip(wanted, values, strict=True) if value[0]]
        return Read(events, found)

    def _join_fields(self, segment: str, totals: bytes, *fields: bytes | None) -> Counts:
        positions = [position for position, field in enumerate(fields) if field is not None]
        packed = b"".join([fields[position] for position in positions])
        counts = np.frombuffer(packed, "<u4").reshape(-1, self.columns).T
        return Counts(segment, np.frombuffer(totals, "<f8"), np.array(positions, np.intp), counts)


def _sequence_key(request: dict) -> str:
    return f"{PREFIX}seq:{{{request.get('user', {}).get('id', '')}}}"
