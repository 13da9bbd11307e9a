"""The query tower: inputs from the manifest's sources (docs/formats.md section 9), one ONNX Runtime session. L events, H heads, D dims."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from interactrank.text import NgramOptions, text_ngrams

from items import Items

TIME_MASK = np.uint64((1 << 48) - 1)
ACTION_SHIFT = np.uint64(56)

Fill = Callable[[dict, dict[str, np.ndarray]], np.ndarray]


class QueryTower:
    def __init__(self, bundle: Path, manifest: dict, items: Items):
        tower = manifest["query_tower"]
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.x64quantprecision", "1")
        self.session = ort.InferenceSession(bundle / tower["files"][tower["precision"]], options)
        self.output = tower["output"]
        self.fills = {spec["name"]: _fill(spec, manifest["vocabularies"]) for spec in tower["inputs"]}
        self.length = manifest.get("sequence", {}).get("length", 0)
        self.items = items

    def vectors(self, request: dict, events: Sequence[bytes]) -> np.ndarray:
        """float32 [H, D]."""
        sequence = self._sequence(events)
        feed = {name: fill(request, sequence)[None] for name, fill in self.fills.items()}
        return self.session.run([self.output], feed)[0][0]

    def _sequence(self, events: Sequence[bytes]) -> dict[str, np.ndarray]:
        """The newest L events whose items are in the table, as columns padded to L."""
        packed = np.frombuffer(b"".join(events), "<u8").reshape(-1, 2)
        at = np.minimum(np.searchsorted(self.items.keys, packed[:, 0]), len(self.items.keys) - 1)
        known = np.flatnonzero(self.items.keys[at] == packed[:, 0])[: self.length]
        stamps = packed[known, 1]
        ages_ms = np.maximum(time.time() * 1000 - (stamps & TIME_MASK).astype(np.float64), 0)
        content = np.zeros((self.length, self.items.content.shape[1]), np.float32)
        content[: len(known)] = self.items.content[at[known]]
        pad = (0, self.length - len(known))
        return {
            "content": content,
            "action": np.pad((stamps >> ACTION_SHIFT).astype(np.int32), pad),
            "age_seconds": np.pad((ages_ms / 1000).astype(np.float32), pad),
            "mask": np.pad(np.ones(len(known), np.float32), pad),
        }


def _fill(spec: dict, vocabularies: dict[str, list[str]]) -> Fill:
    source, shape, dtype = spec["source"], spec["shape"], np.dtype(spec["dtype"])
    kind = source["kind"]
    if kind == "text_ngrams":
        options = NgramOptions(source["buckets"], shape[0], tuple(source["word_ngrams"]), tuple(source["char_ngrams"]))
        return lambda request, _: text_ngrams(" ".join(filter(None, (_at(request, p) for p in source["from"]))), options)
    if kind == "vocabulary":
        index = {value: at + 1 for at, value in enumerate(vocabularies[source["vocabulary"]])}
        return lambda request, _: np.array([index.get(_at(request, source["from"]), 0)], dtype)
    if kind == "vector":
        zeros = np.zeros(shape, dtype)
        return lambda request, _: zeros if (value := _at(request, source["from"])) is None else np.array(value, dtype)
    if kind == "present":
        return lambda request, _: np.array([_at(request, source["from"]) is not None], dtype)
    if kind == "sequence":
        return lambda _, sequence: sequence[source["column"]]
    if kind == "constant":
        constant = np.full(shape, source["value"], dtype)
        return lambda _, __: constant
    raise ValueError(f"tower input {spec['name']}: found source {kind!r}, which the peers do not serve")


def _at(request: dict, path: str):
    value = request
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
