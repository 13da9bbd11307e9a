"""Held-out requests as bodies of POST /v1/prerank: requests.jsonl.gz for the server's evaluation, and golden requests."""
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from interactrank.experiment import Experiment
from interactrank.features import LEXICAL
from interactrank.held_out import HeldOut
from interactrank.logs.events import CONTEXT


def bodies(experiment: Experiment, held: HeldOut) -> Iterator[tuple[int, dict, dict]]:
    """now_ms, body and gains by engaged item id of every request; the lexical score is a caller column."""
    names = item_ids(experiment)
    actions = {code: action for action, code in experiment.schema.actions.items()}
    lexical = held.raw[:, [caller.name for caller in experiment.schema.caller].index(LEXICAL) - len(experiment.schema.caller)]
    for number, row in enumerate(held.frame.itertuples()):
        mine = slice(held.candidates.offsets[number], held.candidates.offsets[number + 1])
        items = held.candidates.item_row[mine]
        seen = held.sequences.item_row[number]
        events = zip(seen, held.sequences.action[number], held.sequences.time_ms[number], strict=True)
        user = {"id": row.user} if row.user else {}
        user |= {name: getattr(row, name) for name in CONTEXT if not pd.isna(getattr(row, name))}
        user["sequence"] = [{"item": names[i], "action": actions[a], "time": int(t)} for i, a, t in events if i >= 0]
        body = {
            "query": {"text": row.query},
            "user": user,
            "candidates": [names[item] for item in items],
            "candidate_features": {LEXICAL: [round(float(score), 4) for score in lexical[mine]]},
        }
        gains = held.gains[mine]
        yield int(row.time), body, {str(names[items[p]]): float(gains[p]) for p in np.flatnonzero(gains)}


def item_ids(experiment: Experiment) -> list:
    """Ids as JSON carries them: numbers up to 2^53 − 1, decimal strings beyond, or text."""
    ids = experiment.log.items["id"]
    if experiment.log.id_kind == "string":
        return list(ids)
    return [int(item) if int(item) < 2**53 else item for item in ids]


def write_requests(experiment: Experiment, held: HeldOut, path: Path) -> int:
    """One JSON object per line: now_ms, request, engaged. The same bytes for the same input."""
    count = 0
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, compresslevel=6) as out:
        for now_ms, body, engaged in bodies(experiment, held):
            body = {**body, "top_k": len(body["candidates"])}
            line = json.dumps({"now_ms": now_ms, "request": body, "engaged": engaged}, ensure_ascii=False)
            out.write(line.encode() + b"\n")
            count += 1
    return count
