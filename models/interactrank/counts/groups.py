"""Which count groups an event or a request belongs to: one store key each, such as `iqp:country=DE:{red shoes}`."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.text import distinct_tokens, query_key


@dataclass(frozen=True)
class Membership:
    """Pairs (row of the frame, group code into `names`): none for an unknown context value, up to 8 for tokens."""

    rows: np.ndarray
    groups: np.ndarray
    names: pd.Index


def memberships(frame: pd.DataFrame, segment: str) -> Membership:
    """`frame` has `query` and the context columns. `names` are store keys (docs/formats.md section 6)."""
    codes, queries = pd.factorize(frame["query"])
    if segment == "token":
        return _token_memberships(codes, queries)
    key_codes, keys = pd.factorize(np.array([query_key(q) for q in queries], object))
    groups = key_codes[codes].astype(np.int64)
    if segment == "all":
        return Membership(np.arange(len(frame)), groups, pd.Index([f"iqp:all:{{{key}}}" for key in keys]))
    value_codes, values = pd.factorize(frame[segment])
    rows = np.flatnonzero(value_codes >= 0)
    used, groups = np.unique(value_codes[rows].astype(np.int64) * len(keys) + groups[rows], return_inverse=True)
    names = [f"iqp:{segment}={values[code // len(keys)]}:{{{keys[code % len(keys)]}}}" for code in used]
    return Membership(rows, groups, pd.Index(names))


def _token_memberships(codes: np.ndarray, queries: pd.Index) -> Membership:
    words = [distinct_tokens(query) for query in queries]
    sizes = np.array([len(w) for w in words], np.int64)
    groups, names = pd.factorize(np.array([word for some in words for word in some], object))
    starts = np.cumsum(sizes) - sizes
    rows = np.repeat(np.arange(len(codes)), sizes[codes])
    within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes[codes]) - sizes[codes], sizes[codes])
    return Membership(rows, groups[starts[codes[rows]] + within], pd.Index([f"iqp:token:{{{name}}}" for name in names]))
