"""Held-out requests with their candidates and features: what every system ranks.

Counts and popularity are as of one moment, the split: the bundle's snapshot holds exactly these, so that Python and the server
see the same numbers. Sequences are up to each request: serving has them live.
"""
from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.candidates import CandidateOptions, Candidates, build_candidates
from interactrank.experiment import Experiment
from interactrank.features import raw_columns, request_frame, wanted_actions
from interactrank.logs.tables import LogError
from interactrank.sequences import Sequences, sequences_before

# Gain of an engaged item for nDCG: the strongest action counts.
GAINS = {"click": 1.0, "long_click": 2.0, "save": 3.0}
_REQUESTS_AT_ONCE = 200
STORED_EVENTS = 100


@dataclass(frozen=True)
class HeldOut:
    """`frame` of R requests; candidates of request r are the slice offsets[r]:offsets[r + 1] of the N-long columns.
    gains float32 [N], raw float32 [N, K] before the transforms, sequences of up to 100 events."""

    frame: pd.DataFrame
    candidates: Candidates
    gains: np.ndarray
    raw: np.ndarray
    sequences: Sequences


@dataclass(frozen=True)
class Period:
    """Requests in [from_ms, to_ms) with counts as of from_ms; `requests_max` of them, drawn at random."""

    from_ms: int
    to_ms: int
    requests_max: int
    seed: int = 0


def held_out(experiment: Experiment, period: Period, options: CandidateOptions = CandidateOptions()) -> HeldOut:
    grouped, log = experiment.grouped, experiment.log
    time = grouped.requests["time"].to_numpy()
    chosen = np.flatnonzero(experiment.engaged & (time >= period.from_ms) & (time < period.to_ms))
    if not len(chosen):
        raise LogError("no held-out request has an engagement; expected some at the end of the log, so hold out more")
    if len(chosen) > period.requests_max:
        rng = np.random.default_rng(period.seed)
        chosen = np.sort(rng.choice(chosen, period.requests_max, replace=False))
    frame = request_frame(grouped.requests.iloc[chosen], period.from_ms)
    engaged, gains = _engaged(experiment, chosen)
    queries = list(np.asarray(frame["query"], object))
    candidates = build_candidates(log, queries, engaged, period.from_ms, options)
    gain = np.zeros(len(candidates.item_row), np.float32)
    for number, rows in enumerate(engaged):
        mine = slice(candidates.offsets[number], candidates.offsets[number + 1])
        gain[mine.start + np.searchsorted(candidates.item_row[mine], rows)] = gains[number]
    return HeldOut(
        frame=frame,
        candidates=candidates,
        gains=gain,
        raw=_raw(experiment, frame, candidates),
        sequences=sequences_before(experiment.sequences, frame["user"], frame["time"], STORED_EVENTS),
    )


def _engaged(experiment: Experiment, chosen: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Engaged item rows of every request and their gains."""
    rows = experiment.grouped.rows
    wanted = wanted_actions(experiment.log)
    gain = np.max([rows[action].to_numpy() * GAINS.get(action, 1.0) for action in wanted], axis=0)
    rows = rows.assign(gain=gain)[gain > 0]
    request = rows["request"].to_numpy()
    start, end = np.searchsorted(request, chosen), np.searchsorted(request, chosen, side="right")
    item, gain = rows["item_row"].to_numpy(), rows["gain"].to_numpy()
    return [item[a:b] for a, b in zip(start, end)], [gain[a:b] for a, b in zip(start, end)]


def _raw(experiment: Experiment, frame: pd.DataFrame, candidates: Candidates) -> np.ndarray:
    """In chunks: a thousand candidates a request make millions of pairs."""
    parts = []
    for start in range(0, len(frame), _REQUESTS_AT_ONCE):
        some = frame.iloc[start : start + _REQUESTS_AT_ONCE].reset_index(drop=True)
        bounds = candidates.offsets[start : start + len(some) + 1]
        request = np.repeat(np.arange(len(some)), np.diff(bounds))
        parts.append(raw_columns(experiment.source, some, request, candidates.item_row[bounds[0] : bounds[-1]]))
    return np.concatenate(parts)
