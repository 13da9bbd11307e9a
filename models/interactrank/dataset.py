"""Training examples: requests padded to the same number of items, shown ones and sampled candidates.

Nobody sees most of the ~1,000 candidates that the model has to rank, so a model trained on impressions alone never learns
what to do with them: every request also carries candidates drawn from its own retrieval (BM25, popular, random), unlabelled
and taken as negative.
"""
from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.candidates import lexical_items
from interactrank.counts import last_daily_build
from interactrank.features import FeatureSource, raw_columns, request_frame, wanted_actions
from interactrank.inputs import query_ngrams, vocabulary_codes
from interactrank.logs.requests import Requests
from interactrank.popularity import popularity_at
from interactrank.presets import ModelConfig
from interactrank.schema import Schema
from interactrank.sequences import SequenceIndex, Sequences, sequences_before

# As deep as the retrieval that the model will rank: sampled nearer to the top, a lexical score looks worse than it is.
LEXICAL_POOL, POPULAR_POOL = 700, 150


@dataclass(frozen=True)
class Pairs:
    """Labelled (request, item) pairs of some requests: `frame` of R requests, then one entry per pair.

    labels bool [N, H], shown bool [N], raw float32 [N, K] (columns before their transforms).
    """

    frame: pd.DataFrame
    request: np.ndarray
    item_row: np.ndarray
    labels: np.ndarray
    shown: np.ndarray
    raw: np.ndarray


@dataclass(frozen=True)
class Sampling:
    """Unlabelled candidates per request."""

    lexical: int = 17
    popular: int = 4
    random: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """Requests padded to S items. query_ngrams int32 [Q, n]; contexts int32 [R, 1]; item_row int32 [R, S] (−1 = padding);
    labels float32 [R, S, H]; columns float32 [R, S, K]; log_q float32 [M]."""

    query: np.ndarray
    query_ngrams: np.ndarray
    contexts: dict[str, np.ndarray]
    sequences: Sequences
    time_ms: np.ndarray
    item_row: np.ndarray
    labels: np.ndarray
    columns: np.ndarray
    log_q: np.ndarray

    def __len__(self) -> int:
        return len(self.query)


def head_labels(rows: pd.DataFrame, heads: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """bool [N, H]. `engagement` is any wanted action; another head is the action of its name."""
    labels = np.zeros((len(rows), len(heads)), bool)
    for number, head in enumerate(heads):
        if head == "engagement":
            labels[:, number] = rows[list(wanted)].any(axis=1)
        elif head in rows:
            labels[:, number] = rows[head]
    return labels


def training_pairs(source: FeatureSource, grouped: Requests, chosen: np.ndarray, heads: tuple[str, ...], sampling: Sampling) -> Pairs:
    """`chosen`: row numbers of `grouped.requests`. Features are as of the last daily build before each request."""
    position = np.full(len(grouped.requests), -1, np.int64)
    position[chosen] = np.arange(len(chosen))
    rows = grouped.rows[position[grouped.rows["request"].to_numpy()] >= 0]
    frame = grouped.requests.iloc[chosen]
    frame = request_frame(frame, last_daily_build(frame["time"].to_numpy()))
    request, item_row = position[rows["request"].to_numpy()], rows["item_row"].to_numpy()
    extra_request, extra_item = _sampled(source, frame, sampling)
    items = len(source.log.items)
    fresh = ~np.isin(extra_request * items + extra_item, request * items + item_row)
    extra_request, extra_item = extra_request[fresh], extra_item[fresh]
    labels = head_labels(rows, heads, wanted_actions(source.log))
    request = np.concatenate([request, extra_request])
    item_row = np.concatenate([item_row, extra_item]).astype(np.int32)
    return Pairs(
        frame=frame,
        request=request,
        item_row=item_row,
        labels=np.concatenate([labels, np.zeros((len(extra_item), len(heads)), bool)]),
        shown=np.arange(len(item_row)) < len(rows),
        raw=raw_columns(source, frame, request, item_row),
    )


def _sampled(source: FeatureSource, frame: pd.DataFrame, sampling: Sampling) -> tuple[np.ndarray, np.ndarray]:
    """Distinct (request, item) pairs drawn from every request's own retrieval."""
    rng = np.random.default_rng(sampling.seed)
    items = len(source.log.items)
    codes, texts = pd.factorize(np.asarray(frame["query"], object))
    pools = lexical_items(source.log.item_texts, list(texts), LEXICAL_POOL)
    days, day_codes = np.unique(frame["as_of"].to_numpy(), return_inverse=True)
    popular = [np.argsort(-popularity_at(source.popularity, day), kind="stable")[:POPULAR_POOL] for day in days]
    found = []
    for code, day in zip(codes, day_codes, strict=True):
        parts = [rng.integers(0, items, sampling.random)]
        for pool, count in ((pools[code], sampling.lexical), (popular[day], sampling.popular)):
            parts.append(pool[rng.integers(0, len(pool), count)] if len(pool) else rng.integers(0, items, count))
        found.append(np.unique(np.concatenate(parts)))
    request = np.repeat(np.arange(len(frame)), [len(rows) for rows in found])
    return request, np.concatenate(found) if found else np.zeros(0, np.int64)


def make_examples(
    pairs: Pairs, *, schema: Schema, config: ModelConfig, sequences: SequenceIndex, items: int, slots: int
) -> Examples:
    """Pads every request to `slots` items: engaged ones first, then what fits of the rest in random order."""
    rng = np.random.default_rng(0)
    order = np.lexsort((rng.random(len(pairs.request)), ~pairs.labels.any(axis=1), pairs.request))
    start = np.searchsorted(pairs.request[order], np.arange(len(pairs.frame)))
    slot = np.arange(len(order)) - start[pairs.request[order]]
    order, slot = order[slot < slots], slot[slot < slots]
    request = pairs.request[order]
    shape = (len(pairs.frame), slots)
    item_row = np.full(shape, -1, np.int32)
    item_row[request, slot] = pairs.item_row[order]
    labels = np.zeros((*shape, pairs.labels.shape[1]), np.float32)
    labels[request, slot] = pairs.labels[order]
    columns = np.zeros((*shape, pairs.raw.shape[1]), np.float32)
    columns[request, slot] = transform_columns(pairs.raw[order], schema)
    query, texts = pd.factorize(np.asarray(pairs.frame["query"], object))
    return Examples(
        query=query,
        query_ngrams=query_ngrams(list(texts), config),
        contexts=context_inputs(pairs.frame, schema),
        sequences=sequences_before(sequences, pairs.frame["user"], pairs.frame["time"], config.sequence.length),
        time_ms=pairs.frame["time"].to_numpy(np.int64),
        item_row=item_row,
        labels=labels,
        columns=columns,
        log_q=_log_sampling_probability(pairs.item_row, items),
    )


def context_inputs(frame: pd.DataFrame, schema: Schema) -> dict[str, np.ndarray]:
    """int32 [R, 1] per vocabulary of the user context."""
    return {name: vocabulary_codes(frame[name].astype(object), words)[:, None] for name, words in schema.contexts.items()}


def transform_columns(raw: np.ndarray, schema: Schema) -> np.ndarray:
    """float32 [N, K]."""
    features = (*schema.cross, *schema.scalars, *schema.caller)
    return np.stack([f.transform.apply(raw[:, i]) for i, f in enumerate(features)], axis=1).astype(np.float32)


def _log_sampling_probability(item_row: np.ndarray, items: int) -> np.ndarray:
    """How often an item comes into a batch, up to a constant, smoothed for items never seen."""
    seen = np.bincount(item_row, minlength=items) + 1.0
    return np.log(seen / seen.sum()).astype(np.float32)
