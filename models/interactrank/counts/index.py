"""Counts as of any time without a loop over events: every count is the difference of two binary searches.

Per segment and action, events are one sorted int64 array of (pair number · span + time); a pair is a (group, item). The
number of events of a pair in [from, to) is searchsorted(pair, to) − searchsorted(pair, from). Memory is 8 bytes per
(event, group). Only rows whose pair has any engagement at all are searched, so a thousand candidates per request are cheap.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.counts import CountColumn, CountSchema
from interactrank.counts.groups import Membership, memberships
from interactrank.logs import Log


@dataclass(frozen=True)
class _Segment:
    names: pd.Index
    pairs: np.ndarray
    by_pair: dict[str, np.ndarray]
    by_group: dict[str, np.ndarray]


@dataclass(frozen=True)
class CountIndex:
    schema: CountSchema
    items: int
    base_ms: int
    span_ms: int
    segments: dict[str, _Segment]


@dataclass(frozen=True)
class CountTable:
    """counts: float32 [S, F, N] of every row; totals: float64 [S, F, R] of every request. Tokens are summed."""

    counts: np.ndarray
    totals: np.ndarray
    request: np.ndarray

    def rates(self, prior: float = 0.0) -> np.ndarray:
        """float32 [S, F, N]: count / (total + prior); NaN where the total is 0 (docs/formats.md section 3)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.where(self.totals > 0, 1 / (self.totals + prior), np.nan).astype(np.float32)
        return self.counts * scale[:, :, self.request]


def index_counts(log: Log, schema: CountSchema) -> CountIndex:
    events = log.events[log.events["action"].isin(schema.actions)]
    base = int(events["time"].min()) if len(events) else 0
    span = int(events["time"].max()) - base + 2 if len(events) else 2
    if span * max(len(events) * 8, 1) >= 2**63:
        raise ValueError(f"{len(events)} engagements over {span} ms do not fit 63 bits; shorten the log")
    index = CountIndex(schema, len(log.items), base, span, {})
    for segment in schema.segments:
        index.segments[segment] = _index_segment(index, events, memberships(events, segment))
    return index


def _index_segment(index: CountIndex, events: pd.DataFrame, member: Membership) -> _Segment:
    time = events["time"].to_numpy()[member.rows] - index.base_ms
    action = events["action"].to_numpy()[member.rows]
    pairs, pair = np.unique(member.groups * index.items + events["item_row"].to_numpy()[member.rows], return_inverse=True)
    by_pair, by_group = {}, {}
    for name in index.schema.actions:
        mine = action == name
        by_pair[name] = np.sort(pair[mine] * index.span_ms + time[mine])
        by_group[name] = np.sort(member.groups[mine] * index.span_ms + time[mine])
    return _Segment(member.names, pairs, by_pair, by_group)


def look_up(index: CountIndex, requests: pd.DataFrame, request: np.ndarray, item_row: np.ndarray) -> CountTable:
    """`requests` has `query`, the context columns and `as_of` (ms). Row n is item `item_row[n]` in request `request[n]`,
    a row number of `requests`; rows of one request need not be adjacent."""
    as_of = requests["as_of"].to_numpy(np.int64)
    shape = (len(index.schema.segments), len(index.schema.columns))
    counts = np.zeros((*shape, len(request)), np.float32)
    totals = np.zeros((*shape, len(requests)))
    by_request = _Rows(np.asarray(request), np.asarray(item_row, np.int64), len(requests))
    for s, name in enumerate(index.schema.segments):
        segment = index.segments[name]
        member = memberships(requests, name)
        groups = segment.names.get_indexer(member.names)[member.groups]
        known = groups >= 0
        owner, groups = member.rows[known], groups[known]
        row, group = by_request.expand(owner, groups)
        pair = _find(segment.pairs, group * index.items + by_request.item_row[row])
        row, pair = row[pair >= 0], pair[pair >= 0]
        for f, column in enumerate(index.schema.columns):
            found = _in_window(index, column, segment.by_group[column.action], groups, as_of[owner])
            totals[s, f] = np.bincount(owner, found, len(requests))
            found = _in_window(index, column, segment.by_pair[column.action], pair, as_of[by_request.request[row]])
            counts[s, f] = np.bincount(row, found, len(request))
    return CountTable(counts, totals, by_request.request)


class _Rows:
    """Rows by request, so that a group of a request expands to all rows of that request."""

    def __init__(self, request: np.ndarray, item_row: np.ndarray, requests: int):
        self.request, self.item_row = request, item_row
        self.order = np.argsort(request, kind="stable")
        self.size = np.bincount(request, minlength=requests)
        self.start = np.cumsum(self.size) - self.size

    def expand(self, owner: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sizes = self.size[owner]
        first = np.repeat(self.start[owner] - (np.cumsum(sizes) - sizes), sizes)
        return self.order[first + np.arange(len(first))], np.repeat(groups, sizes)


def _find(sorted_values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Positions, −1 where absent."""
    if not sorted_values.size:
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(sorted_values, wanted), sorted_values.size - 1)
    return np.where(sorted_values[at] == wanted, at, -1)


def _in_window(index: CountIndex, column: CountColumn, keys: np.ndarray, number: np.ndarray, as_of: np.ndarray) -> np.ndarray:
    def before(times: np.ndarray) -> np.ndarray:
        offset = np.clip(times - index.base_ms, 0, index.span_ms - 1)
        return np.searchsorted(keys, number * index.span_ms + offset)

    return before(as_of) - before(column.start(as_of))
