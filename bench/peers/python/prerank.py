"""One request, from its decoded body to ids and scores. N candidates, D dims, K kept."""

import json
from pathlib import Path

import numpy as np
from redis.asyncio import Redis

from counts import Blobs, Counts, Hashes
from formula import Formula, top
from items import intersect, read_items
from tower import QueryTower

LAYOUTS = {"blobs": Blobs, "hashes": Hashes}
TOP_K_DEFAULT = 1000


class Prerank:
    def __init__(self, bundle: Path, *, redis: Redis, layout: str):
        manifest = json.loads((bundle / "manifest.json").read_bytes())
        segments = list(dict.fromkeys(feature["segment"] for feature in manifest["cross_features"]))
        self.store = LAYOUTS[layout](redis, segments=segments, columns=len(manifest["counts"]["columns"]))
        self.items = read_items(bundle / "items.table").ascending()
        self.tower = QueryTower(bundle, manifest, self.items)
        self.formula = Formula(manifest)
        self.heads = {head["name"]: head["default_weight"] for head in manifest["heads"]}

    async def answer(self, request: dict) -> dict:
        keys = np.array(request["candidates"], np.uint64)
        positions, rows = self._resolve(keys)
        known = self.items.keys[rows]
        read = await self.store.read(request, known)
        query = self._fold(self.tower.vectors(request, read.events), request.get("head_weights", self.heads))
        dot = np.take(self.items.vectors, rows, axis=0) @ query
        raw = self._raw(request, rows=rows, positions=positions, counts=read.counts)
        scores = self.formula.scores(dot, raw)
        best = top(scores, request.get("top_k", TOP_K_DEFAULT))
        return {"ids": known[best], "scores": scores[best]}

    def _resolve(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions in the request and rows of the known candidates, in order of their keys, none twice."""
        order = np.argsort(keys)
        ascending = keys[order]
        if (ascending[1:] == ascending[:-1]).any():
            ascending, order = np.unique(keys, return_index=True)
        at, rows = intersect(ascending, self.items.keys)
        return order[at], rows

    def _fold(self, vectors: np.ndarray, weights: dict[str, float]) -> np.ndarray:
        chosen = np.array([weights.get(head, 0) for head in self.heads], np.float32)
        return (chosen / chosen.sum()) @ vectors

    def _raw(self, request: dict, *, rows: np.ndarray, positions: np.ndarray, counts: list[Counts]) -> np.ndarray:
        cross, scalars = self.formula.cross, self.items.scalars
        raw = np.empty((len(self.formula.scale), len(rows)), np.float32)
        for index, feature in enumerate(cross):
            column = self.formula.columns.index(feature["column"])
            fill_ratio(raw[index], [part for part in counts if part.segment == feature["segment"]], column, feature["prior"])
        raw[len(cross) : len(cross) + len(scalars)] = scalars[:, rows]
        given = request.get("candidate_features", {})
        for index, name in enumerate(self.formula.caller, len(cross) + len(scalars)):
            raw[index] = np.array(given[name], np.float32)[positions] if name in given else np.nan
        return raw


def fill_ratio(out: np.ndarray, parts: list[Counts], column: int, prior: float) -> None:
    """Σ counts / (Σ totals + prior); missing where there is no total."""
    total = sum(part.totals[column] for part in parts)
    if total == 0:
        out.fill(np.nan)
        return
    out.fill(0)
    for part in parts:
        out[part.positions] += part.counts[column]
    out /= total + prior
