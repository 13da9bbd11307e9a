"""BM25 (k1 1.2, b 0.75, idf of Lucene) as one sparse matrix: the lexical baseline, a caller column, and retrieval."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from interactrank.text import tokens

_QUERIES_AT_ONCE = 256


@dataclass(frozen=True)
class Bm25:
    """weights: float32 [terms, items], what one occurrence of the term in the query adds to the item's score."""

    vocabulary: dict[str, int]
    weights: sparse.csr_matrix
    tokenise: Callable[[str], list[str]]

    @property
    def items(self) -> int:
        return self.weights.shape[1]


def trigrams(text: str) -> list[str]:
    """Character trigrams of the tokens: what finds an item in spite of a misspelling."""
    return [f"<{word}>"[i : i + 3] for word in tokens(text) for i in range(len(word))]


def index_bm25(
    texts: Sequence[str], *, tokenise: Callable[[str], list[str]] = tokens, k1: float = 1.2, b: float = 0.75
) -> Bm25:
    vocabulary: dict[str, int] = {}
    terms, items, counts = [], [], []
    for item, text in enumerate(texts):
        for term, count in Counter(tokenise(text)).items():
            terms.append(vocabulary.setdefault(term, len(vocabulary)))
            items.append(item)
            counts.append(count)
    counts = np.array(counts, np.float64)
    length = np.bincount(items, counts, len(texts))
    frequency = np.bincount(terms, minlength=len(vocabulary))
    idf = np.log1p((len(texts) - frequency + 0.5) / (frequency + 0.5))
    norm = k1 * (1 - b + b * length / max(length.mean(), 1e-9))
    values = idf[terms] * counts * (k1 + 1) / (counts + norm[items])
    shape = (len(vocabulary), len(texts))
    return Bm25(vocabulary, sparse.csr_matrix((values.astype(np.float32), (terms, items)), shape), tokenise)


def _query_matrix(index: Bm25, queries: Sequence[str]) -> sparse.csr_matrix:
    rows, terms = [], []
    for row, query in enumerate(queries):
        for term in index.tokenise(query):
            if (number := index.vocabulary.get(term)) is not None:
                rows.append(row)
                terms.append(number)
    ones = np.ones(len(rows), np.float32)
    return sparse.csr_matrix((ones, (rows, terms)), (len(queries), len(index.vocabulary)))


def top_items(index: Bm25, queries: Sequence[str], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Item rows (int32 [Q, n], −1 padding) and scores (float32, 0 padding) by descending score, ties by item row.
    Items that share no term with the query are never there."""
    rows = np.full((len(queries), n), -1, np.int32)
    scores = np.zeros((len(queries), n), np.float32)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        found = _query_matrix(index, queries[start : start + _QUERIES_AT_ONCE]) @ index.weights
        for row in range(found.shape[0]):
            mine = slice(found.indptr[row], found.indptr[row + 1])
            best, score = _best(found.indices[mine], found.data[mine], n)
            rows[start + row, : len(best)], scores[start + row, : len(best)] = best, score
    return rows, scores


def _best(items: np.ndarray, scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    if len(items) > n:
        enough = scores >= -np.partition(-scores, n - 1)[n - 1]
        items, scores = items[enough], scores[enough]
    order = np.lexsort((items, -scores))[:n]
    return items[order], scores[order]


def pair_scores(index: Bm25, queries: Sequence[str], query: np.ndarray, item_row: np.ndarray) -> np.ndarray:
    """float32 [N]: score of item `item_row[n]` for `queries[query[n]]`."""
    scores = np.zeros(len(query), np.float32)
    order = np.argsort(query, kind="stable")
    bounds = np.searchsorted(query[order], np.arange(0, len(queries) + _QUERIES_AT_ONCE, _QUERIES_AT_ONCE))
    for chunk, start in enumerate(range(0, len(queries), _QUERIES_AT_ONCE)):
        pairs = order[bounds[chunk] : bounds[chunk + 1]]
        if pairs.size:
            dense = (_query_matrix(index, queries[start : start + _QUERIES_AT_ONCE]) @ index.weights).toarray()
            scores[pairs] = dense[query[pairs] - start, item_row[pairs]]
    return scores
