"""Raw feature columns of (request, item) pairs: cross features, item scalars, caller columns, in manifest order.

Everything counted is as of a moment given per request: the last daily build for training rows, the split for held-out ones.
"""
from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.bm25 import Bm25, index_bm25, pair_scores
from interactrank.counts import CountColumn, CountSchema
from interactrank.counts.index import CountIndex, index_counts, look_up
from interactrank.logs import IMPRESSION, Log
from interactrank.logs.events import CONTEXT
from interactrank.logs.items import POPULARITY
from interactrank.popularity import PopularityIndex, index_popularity, popularity

BOUNCE = "short_click"
LEXICAL = "bm25"
PRIOR = 5.0


@dataclass(frozen=True)
class CrossName:
    segment: str
    column: str

    @property
    def name(self) -> str:
        return f"{self.segment}_{self.column}"


@dataclass(frozen=True)
class Columns:
    """Names of the raw columns, in order."""

    counts: CountSchema
    cross: tuple[CrossName, ...]
    scalars: tuple[str, ...]
    caller: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.cross) + len(self.scalars) + len(self.caller)


@dataclass(frozen=True)
class FeatureSource:
    log: Log
    columns: Columns
    counts: CountIndex
    popularity: PopularityIndex
    bm25: Bm25


def feature_source(log: Log) -> FeatureSource:
    columns = choose_columns(log)
    return FeatureSource(
        log=log,
        columns=columns,
        counts=index_counts(log, columns.counts),
        popularity=index_popularity(log, wanted_actions(log)),
        bm25=index_bm25(log.item_texts),
    )


def wanted_actions(log: Log) -> tuple[str, ...]:
    """Engagements that a searcher meant: all but impressions and bounces. Only those that the log has."""
    present = set(log.events["action"].unique())
    return tuple(a for a in log.actions if a in present and a not in (IMPRESSION, BOUNCE))


def choose_columns(log: Log) -> Columns:
    """Every wanted action over all time, clicks also over a month; by query for everyone, by segment and by token."""
    actions = wanted_actions(log)
    counted = [CountColumn(action, action, 0) for action in actions]
    if "click" in actions:
        counted.append(CountColumn("click_7d", "click", 7))
    segments = [name for name in ("country", "gender") if log.events[name].notna().any()]
    cross = [CrossName("all", column.name) for column in counted]
    for segment in (*segments, "token"):
        cross += [CrossName(segment, action) for action in actions[:2]]
    schema = CountSchema(tuple(counted), ("all", *segments, "token"))
    return Columns(schema, tuple(cross), scalars=(POPULARITY,), caller=(LEXICAL,))


def raw_columns(source: FeatureSource, requests: pd.DataFrame, request: np.ndarray, item_row: np.ndarray) -> np.ndarray:
    """float32 [N, K], NaN where missing. `requests` has query, context and `as_of` (ms); pair n is (request[n], item_row[n])."""
    columns = source.columns
    rates = look_up(source.counts, requests, request, item_row).rates(PRIOR)
    segments = columns.counts.segments
    names = [column.name for column in columns.counts.columns]
    values = [rates[segments.index(c.segment), names.index(c.column)] for c in columns.cross]
    values.append(popularity(source.popularity, item_row, requests["as_of"].to_numpy()[request]))
    values.append(lexical_scores(source.bm25, requests["query"], request, item_row))
    return np.stack(values, axis=1).astype(np.float32)


def lexical_scores(bm25: Bm25, queries: pd.Series, request: np.ndarray, item_row: np.ndarray) -> np.ndarray:
    """float32 [N]."""
    codes, texts = pd.factorize(np.asarray(queries, object))
    return pair_scores(bm25, list(texts), codes[request], item_row)


def request_frame(requests: pd.DataFrame, as_of_ms: np.ndarray | int) -> pd.DataFrame:
    """Queries and context of requests with the moment up to which their features may look."""
    return requests[["time", "user", "query", *CONTEXT]].assign(as_of=as_of_ms).reset_index(drop=True)
