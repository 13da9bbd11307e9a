"""Scores one request body the way the server does, from JSON and count blobs alone: the reference behind golden.json.

It shares no feature code with training: counts come from the blobs and sequences from the body, so agreement between this
and the training columns shows that training and serving see the same numbers.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from interactrank.counts.blob import decode_count_blob
from interactrank.inputs import query_ngrams, sequence_inputs, vocabulary_codes
from interactrank.logs import Log
from interactrank.model import InteractRank
from interactrank.sequences import Sequences
from interactrank.text import distinct_tokens, query_key


@dataclass(frozen=True)
class Servable:
    """A model beside its item table: vectors [M, D], content [M, C], scalars raw float32 [M, S], rows by id.
    `query_tower` is the model's own, or the same tower from ONNX."""

    model: InteractRank
    query_tower: Callable[[dict[str, Tensor]], Tensor]
    vectors: Tensor
    content: Tensor
    scalars: np.ndarray
    keys: np.ndarray
    rows: dict[str, int]


def make_servable(model: InteractRank, log: Log, vectors: Tensor, content: Tensor, scalars: np.ndarray) -> Servable:
    rows = {item: row for row, item in enumerate(log.items["id"])}
    return Servable(model.eval(), model.query_tower, vectors, content, scalars, log.items["key"].to_numpy(np.uint64), rows)


@torch.no_grad()
def score_request(servable: Servable, request: dict, now_ms: int, blobs: dict[str, bytes]) -> tuple[list, list[float]]:
    """The full ranking: ids as the request gave them, and scores; unknown and repeated candidates are left out."""
    model, positions, rows = servable.model, [], []
    for position, item in enumerate(request["candidates"]):
        row = servable.rows.get(str(item))
        if row is not None and row not in rows:
            positions.append(position)
            rows.append(row)
    inputs = request_inputs(servable, request, now_ms)
    weights = _head_weights(model, request.get("head_weights"))
    folded = model.fold(servable.query_tower(inputs), weights)
    dots = servable.vectors[rows] @ folded[0]
    columns = _columns(servable, request, rows, positions, blobs)
    scores = model.score(dots, torch.from_numpy(columns)).tolist()
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], positions[i]))
    return [request["candidates"][positions[i]] for i in order], [scores[i] for i in order]


def request_inputs(servable: Servable, request: dict, now_ms: int) -> dict[str, Tensor]:
    """Query tower inputs of one request, batch of 1."""
    model, user = servable.model, request.get("user", {})
    inputs = {"query_ngrams": torch.from_numpy(query_ngrams([request["query"]["text"]], model.config))}
    for name, words in model.schema.contexts.items():
        inputs[name] = torch.from_numpy(vocabulary_codes([user.get(name)], words)[:, None])
    if model.config.query_embedding_dims:
        inputs |= _given_embedding(request["query"].get("embedding"), model.config.query_embedding_dims)
    if model.system.sequence:
        sequence = _sequence(servable, user.get("sequence", []))
        inputs |= sequence_inputs(sequence, np.array([now_ms]), servable.content)
    return inputs


def store_keys(servable: Servable, request: dict) -> dict[str, list[str]]:
    """Count blobs that a request reads, by segment."""
    text, user = request["query"]["text"], request.get("user", {})
    keys: dict[str, list[str]] = {}
    for segment in servable.model.schema.segments:
        if segment == "all":
            keys[segment] = [f"iqp:all:{{{query_key(text)}}}"]
        elif segment == "token":
            keys[segment] = [f"iqp:token:{{{token}}}" for token in distinct_tokens(text)]
        else:
            value = user.get(segment)
            keys[segment] = [] if value is None else [f"iqp:{segment}={value}:{{{query_key(text)}}}"]
    return keys


def _given_embedding(embedding: list[float] | None, dims: int) -> dict[str, Tensor]:
    values = torch.zeros(1, dims) if embedding is None else torch.tensor([embedding])
    return {"query_embedding": values, "query_embedding_present": torch.tensor([[float(embedding is not None)]])}


def _sequence(servable: Servable, events: list[dict]) -> Sequences:
    """Newest first; events whose item is not in the table are left out before the cut."""
    length, actions = servable.model.config.sequence.length, servable.model.schema.actions
    known = [event for event in events if str(event["item"]) in servable.rows]
    known = sorted(known, key=lambda event: -event["time"])[:length]
    pad = length - len(known)
    return Sequences(
        item_row=np.array([[servable.rows[str(e["item"])] for e in known] + [-1] * pad], np.int32),
        action=np.array([[actions[e["action"]] for e in known] + [0] * pad], np.int32),
        time_ms=np.array([[e["time"] for e in known] + [0] * pad], np.int64),
    )


def _head_weights(model: InteractRank, weights: dict[str, float] | None) -> Tensor | None:
    """Heads that are not named weigh 0; without weights the manifest's defaults hold."""
    return None if weights is None else torch.tensor([[weights.get(head, 0.0) for head in model.config.heads]])


def _columns(servable: Servable, request: dict, rows: list[int], positions: list[int], blobs: dict[str, bytes]) -> np.ndarray:
    """float32 [N, K], transformed: cross features, scalars, caller columns."""
    schema, keys = servable.model.schema, store_keys(servable, request)
    names = [column.name for column in schema.count_columns]
    item_keys = servable.keys[rows]
    values = []
    for feature in schema.cross:
        present = [decode_count_blob(blobs[key]) for key in keys[feature.segment] if key in blobs]
        raw = _rates(present, names.index(feature.column), item_keys, feature.prior)
        values.append(feature.transform.apply(raw))
    for number, scalar in enumerate(schema.scalars):
        values.append(scalar.transform.apply(servable.scalars[rows, number]))
    for caller in schema.caller:
        given = request.get("candidate_features", {}).get(caller.name)
        column = [np.nan] * len(rows) if given is None else [given[p] for p in positions]
        values.append(caller.transform.apply(np.array([np.nan if v is None else v for v in column], np.float32)))
    return np.stack(values, axis=1).astype(np.float32) if values else np.zeros((len(rows), 0), np.float32)


def _rates(blobs: list, column: int, item_keys: np.ndarray, prior: float) -> np.ndarray:
    """Sum of counts over sum of totals; NaN where nothing was counted at all."""
    total = sum(float(blob.totals[column]) for blob in blobs)
    if total == 0:
        return np.full(len(item_keys), np.nan)
    counts = np.zeros(len(item_keys))
    for blob in blobs:
        listed = pd.Index(blob.keys).get_indexer(item_keys)
        counts += np.where(listed >= 0, np.append(blob.counts[column], 0)[listed], 0)
    return counts / (total + prior)
