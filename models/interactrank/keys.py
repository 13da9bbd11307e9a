"""Item keys: unsigned 64 bits, either the id itself or the XXH64 of its text (docs/formats.md section 1)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import regex
import xxhash

IdKind = Literal["u64", "string"]
_DECIMAL = regex.compile(r"0|[1-9][0-9]{0,19}")
_U64_MAX = 2**64 - 1


def xxh64(text: str) -> int:
    return xxhash.xxh64_intdigest(text.encode())


def xxh32(text: str) -> int:
    return xxhash.xxh32_intdigest(text.encode())


def detect_id_kind(ids: Sequence[str]) -> IdKind:
    """`u64` when every id is a decimal unsigned 64-bit number without leading zeros, otherwise `string`."""
    return "u64" if all(_DECIMAL.fullmatch(i) and int(i) <= _U64_MAX for i in ids) else "string"


def item_keys(ids: Sequence[str], id_kind: IdKind) -> np.ndarray:
    """uint64 keys of ids given as text. Refuses text ids that collide."""
    if id_kind == "u64":
        return np.array([int(i) for i in ids], np.uint64)
    keys = np.array([xxh64(i) for i in ids], np.uint64)
    _, first, count = np.unique(keys, return_index=True, return_counts=True)
    if (count > 1).any():
        key = keys[first[count > 1][0]]
        same = sorted({ids[i] for i in np.flatnonzero(keys == key)})
        if len(same) > 1:
            raise ValueError(f"item ids {same[0]!r} and {same[1]!r} have the same key {key}; rename one of them")
    return keys
