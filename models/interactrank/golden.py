"""golden.json: varied requests with the ranking PyTorch gave (docs/formats.md §9). The server replays it before it serves a bundle."""
import base64
from dataclasses import dataclass, replace

import numpy as np

from interactrank.counts.blob import decode_count_blob, encode_count_blob
from interactrank.golden_changes import CHANGES
from interactrank.scorer import Servable, score_request, store_keys


@dataclass(frozen=True)
class GoldenCase:
    """`request`: body of POST /v1/prerank with user.sequence inline; `blobs`: the store's whole content for it."""

    now_ms: int
    request: dict
    blobs: dict[str, bytes]


HEAD_PATTERNS = (
    None, {"engagement": 1}, {"save": 1}, {"long_click": 1}, {"engagement": 1, "save": 1}, {"engagement": 0, "long_click": 2},
    {"engagement": 0.5, "save": 0.3, "long_click": 0.2}, {"engagement": 3, "save": 1, "long_click": 1},
)


def make_cases(
    servable: Servable, held_out: list[tuple[int, dict]], blobs: dict[str, bytes], *, count: int, seed: int = 0
) -> list[GoldenCase]:
    """`held_out`: now_ms and body of real requests, candidates complete; every one is cut down and changed in its own way."""
    rng = np.random.default_rng(seed)
    cases = []
    for number in range(count):
        now_ms, body = held_out[number % len(held_out)]
        request = _shrink(servable, body, blobs, rng)
        for change in (CHANGES[number % len(CHANGES)], CHANGES[(number // len(CHANGES)) * 5 % len(CHANGES)]):
            change(request, rng, servable, now_ms)
        pattern = HEAD_PATTERNS[number % len(HEAD_PATTERNS)]
        known = pattern and {head: weight for head, weight in pattern.items() if head in servable.model.config.heads}
        if known and sum(known.values()) > 0:
            request["head_weights"] = known
        request["top_k"] = len(request["candidates"])
        wanted = {key for keys in store_keys(servable, request).values() for key in keys}
        needed = {key: _cut_blob(servable, blobs[key], request) for key in sorted(wanted & blobs.keys())}
        cases.append(GoldenCase(now_ms, request, needed))
    return cases


def golden_json(servable: Servable, cases: list[GoldenCase]) -> dict:
    rows = []
    for case in cases:
        ids, scores = score_request(servable, case.request, case.now_ms, case.blobs)
        encoded = {key: base64.b64encode(value).decode() for key, value in case.blobs.items()}
        rows.append({"now_ms": case.now_ms, "request": case.request, "blobs": encoded, "ids": ids, "scores": scores})
    return {"requests": rows}


def _cut_blob(servable: Servable, blob: bytes, request: dict, others: int = 8) -> bytes:
    """The blob with the items of the request and a few more: its totals stay, so every score stays, at a tenth of the size."""
    full = decode_count_blob(blob)
    rows = [servable.rows[str(item)] for item in request["candidates"] if str(item) in servable.rows]
    kept = np.isin(full.keys, servable.keys[rows])
    kept[np.flatnonzero(~kept)[:others]] = True
    return encode_count_blob(replace(full, keys=full.keys[kept], counts=full.counts[:, kept]))


def _shrink(servable: Servable, body: dict, blobs: dict[str, bytes], rng: np.random.Generator, keep: int = 60) -> dict:
    """At most `keep` candidates: half of them with counts under the query, where there are any."""
    wanted = (key for keys in store_keys(servable, body).values() for key in keys if key in blobs)
    counted = {int(key) for name in wanted for key in decode_count_blob(blobs[name]).keys}
    candidates = body["candidates"]
    known = [p for p, item in enumerate(candidates) if int(servable.keys[servable.rows[str(item)]]) in counted]
    rng.shuffle(known)
    chosen = known[: keep // 2]
    others = rng.permutation(np.setdiff1d(np.arange(len(candidates)), chosen))[: keep - len(chosen)]
    positions = rng.permutation(np.concatenate([np.array(chosen, int), others])).tolist()
    request = {**body, "candidates": [candidates[p] for p in positions]}
    # Logs give more columns than some systems read, and a server refuses what the manifest does not declare.
    declared = {column.name for column in servable.model.schema.caller}
    columns = {name: values for name, values in request.pop("candidate_features", {}).items() if name in declared}
    if columns:
        request["candidate_features"] = {name: [values[p] for p in positions] for name, values in columns.items()}
    return request
