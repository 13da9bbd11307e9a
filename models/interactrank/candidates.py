"""The candidates of an evaluation request, as a retrieval stage would send them: lexical ∪ popular ∪ random.

Lexical is BM25 over words, filled up by BM25 over character trigrams where the words find too little (misspellings).
Popular is the most engaged with in the 30 days before `as_of_ms`. Random fills up to `total`. Engaged items that none of the
three found are added, because a pre-ranker cannot be measured on what it never sees; `retrieved` is False for them.
Nothing else is taken from the labels. Within a request, candidates are in order of item row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interactrank.bm25 import index_bm25, top_items, trigrams
from interactrank.counts import DAY_MS
from interactrank.logs import Log

_POPULAR_DAYS = 30


@dataclass(frozen=True)
class CandidateOptions:
    lexical: int = 700
    popular: int = 150
    total: int = 1000
    seed: int = 1


@dataclass(frozen=True)
class Candidates:
    """Candidates of request r are the slice offsets[r]:offsets[r + 1] of the N-long columns."""

    offsets: np.ndarray
    item_row: np.ndarray
    engaged: np.ndarray
    retrieved: np.ndarray

    @property
    def request(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def lexical_items(texts: Sequence[str], queries: Sequence[str], n: int) -> list[np.ndarray]:
    """Up to n item rows for each query, best first."""
    words, _ = top_items(index_bm25(texts), queries, n)
    found = [row[row >= 0] for row in words]
    short = [number for number, rows in enumerate(found) if len(rows) < n]
    if short:
        similar, _ = top_items(index_bm25(texts, tokenise=trigrams), [queries[number] for number in short], n)
        for number, rows in zip(short, similar, strict=True):
            more = rows[(rows >= 0) & ~np.isin(rows, found[number])]
            found[number] = np.concatenate([found[number], more])[:n]
    return found


def popular_items(log: Log, as_of_ms: int, n: int) -> np.ndarray:
    events = log.engagements
    recent = events["item_row"][(events["time"] < as_of_ms) & (events["time"] >= as_of_ms - _POPULAR_DAYS * DAY_MS)]
    counts = np.bincount(recent, minlength=len(log.items))
    return np.argsort(-counts, kind="stable")[:n]


def build_candidates(
    log: Log, queries: Sequence[str], engaged: Sequence[np.ndarray], as_of_ms: int, options: CandidateOptions
) -> Candidates:
    """`queries[r]` and the item rows `engaged[r]` of every request r."""
    distinct = list(dict.fromkeys(queries))
    lexical = dict(zip(distinct, lexical_items(log.item_texts, distinct, options.lexical), strict=True))
    popular = popular_items(log, as_of_ms, options.popular)
    total = min(options.total, len(log.items))
    chosen, retrieved = [], []
    for number, (query, wanted) in enumerate(zip(queries, engaged, strict=True)):
        inside = np.zeros(len(log.items), bool)
        inside[lexical[query]] = inside[popular] = True
        missing = total - int(inside.sum())
        if missing > 0:
            rng = np.random.default_rng([options.seed, number])
            inside[rng.choice(np.flatnonzero(~inside), missing, replace=False)] = True
        added = np.asarray(wanted)[~inside[wanted]]
        inside[added] = True
        chosen.append(np.flatnonzero(inside).astype(np.int32))
        retrieved.append(~np.isin(chosen[-1], added))
    gains = [np.isin(rows, wanted) for rows, wanted in zip(chosen, engaged, strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in chosen])]).astype(np.int64)
    return Candidates(offsets, np.concatenate(chosen), np.concatenate(gains), np.concatenate(retrieved))
