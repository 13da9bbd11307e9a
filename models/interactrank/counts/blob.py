"""The packed count blob of one (query or token, segment), docs/formats.md section 3."""

import struct
from dataclasses import dataclass

import numpy as np
import xxhash

_HEADER = struct.Struct("<IHHIIdQ")
_MAGIC, _VERSION = 0x42435250, 1
_COLUMNS_MAX, _ITEMS_MAX = 64, 2**24


@dataclass(frozen=True)
class CountBlob:
    """keys: uint64 [M] strictly ascending; counts: uint32 [F, M]; totals: float64 [F], C(q) of every column."""

    fingerprint: int
    as_of_ms: float
    totals: np.ndarray
    keys: np.ndarray
    counts: np.ndarray


def encode_count_blob(blob: CountBlob) -> bytes:
    columns, items = blob.counts.shape
    if not 1 <= columns <= _COLUMNS_MAX or items > _ITEMS_MAX:
        found = f"{columns} columns × {items} items"
        raise ValueError(f"{found}; expected 1–{_COLUMNS_MAX} columns and at most {_ITEMS_MAX} items")
    if blob.totals.shape != (columns,) or blob.keys.shape != (items,):
        raise ValueError(f"totals {blob.totals.shape} and keys {blob.keys.shape} do not fit counts {blob.counts.shape}")
    if items > 1 and not (blob.keys[1:] > blob.keys[:-1]).all():
        raise ValueError("item keys are not strictly ascending; sort them and merge repeats")
    body = b"".join(
        np.ascontiguousarray(values, kind).tobytes()
        for values, kind in ((blob.totals, "<f8"), (blob.keys, "<u8"), (blob.counts, "<u4"))
    )
    checksum = xxhash.xxh64_intdigest(body)
    return _HEADER.pack(_MAGIC, _VERSION, columns, items, blob.fingerprint, blob.as_of_ms, checksum) + body


def decode_count_blob(data: bytes) -> CountBlob:
    if len(data) < _HEADER.size:
        raise ValueError(f"count blob of {len(data)} bytes; expected at least {_HEADER.size}")
    magic, version, columns, items, fingerprint, as_of_ms, checksum = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError(f"magic {magic:#x} version {version}; expected {_MAGIC:#x} version {_VERSION}")
    expected = _HEADER.size + 8 * columns + 8 * items + 4 * columns * items
    if not 1 <= columns <= _COLUMNS_MAX or items > _ITEMS_MAX or len(data) != expected:
        found = f"{len(data)} bytes with {columns} columns × {items} items"
        raise ValueError(f"count blob of {found}; expected {expected} bytes")
    if xxhash.xxh64_intdigest(data[_HEADER.size :]) != checksum:
        raise ValueError("count blob is damaged: its checksum does not match; build it again")
    totals = np.frombuffer(data, "<f8", columns, _HEADER.size)
    keys = np.frombuffer(data, "<u8", items, _HEADER.size + 8 * columns)
    counts = np.frombuffer(data, "<u4", columns * items, _HEADER.size + 8 * (columns + items)).reshape(columns, items)
    if items > 1 and not (keys[1:] > keys[:-1]).all():
        raise ValueError("item keys of the count blob are not strictly ascending; build it again")
    return CountBlob(fingerprint, as_of_ms, totals, keys, counts)
