"""Simulated users for judged queries: a noisy lexical ranker shows, and a position-bias model clicks.

Position r (from 0) is looked at with chance 1 / (1 + r)^0.6. A relevant movie looked at is clicked with logit 1.5, another one
with −3, each plus the user's lasting liking of its genre (standard deviation 0.8). Only train queries may be given.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from tqdm import tqdm

from interactrank.bm25 import index_bm25, pair_scores

_START_MS, _DAY_MS = 1_735_689_600_000, 86_400_000
_DAYS, _USERS, _SHOWN = 60, 2_000, 12
_RELEVANT, _IRRELEVANT, _LIKING = 1.5, -3.0, 0.8


@dataclass(frozen=True)
class _Pages:
    """One line per shown movie: request, position, line of the judgments."""

    request: np.ndarray
    position: np.ndarray
    line: np.ndarray


def simulate_clicks(movies: pd.DataFrame, judged: pd.DataFrame, *, seed: int, requests: int) -> pd.DataFrame:
    """Events in the log schema. `judged` has query_id, query, item, grade."""
    rng = np.random.default_rng(seed)
    code, names = pd.factorize(judged["query_id"])
    movie = pd.Index(movies["item"]).get_indexer(judged["item"])
    popularity = 1 / (rng.permutation(len(names)) + 20.0) ** 0.7
    query = rng.choice(len(names), requests, p=popularity / popularity.sum())
    user = rng.integers(0, _USERS, requests)
    at = np.sort(rng.integers(_START_MS, _START_MS + _DAYS * _DAY_MS, requests))

    pages = _show(rng, query, code, _lexical(movies, judged["query"], code, movie))
    genre = pd.factorize(movies["category"])[0]
    liking = rng.normal(0, _LIKING, (_USERS, genre.max() + 2))
    relevant = judged["grade"].to_numpy()[pages.line] > 0
    appeal = np.where(relevant, _RELEVANT, _IRRELEVANT) + liking[user[pages.request], genre[movie[pages.line]]]
    events = _events(rng, pages, appeal, at)
    row = events.pop("row").to_numpy()
    line, request = pages.line[row], pages.request[row]
    return events.assign(
        user=user[request] + 1,
        query=pd.Categorical(judged["query"].to_numpy(object)[line]),
        item=judged["item"].to_numpy()[line],
        request_id=request + 1,
        position=pages.position[row],
    )


def _lexical(movies: pd.DataFrame, queries: pd.Series, code: np.ndarray, movie: np.ndarray) -> np.ndarray:
    """BM25 over title and text for every line of the judgments."""
    texts = queries.to_numpy(object)[np.unique(code, return_index=True)[1]].tolist()
    return pair_scores(index_bm25((movies["title"] + " " + movies["text"]).tolist()), texts, code, movie)


def _show(rng: np.random.Generator, query: np.ndarray, code: np.ndarray, lexical: np.ndarray) -> _Pages:
    order = np.argsort(code, kind="stable")
    start = np.searchsorted(code[order], np.arange(code.max() + 2))
    shown = []
    for asked in tqdm(query, "simulating clicks", mininterval=1):
        lines = order[start[asked] : start[asked + 1]]
        noisy = lexical[lines] + rng.gumbel(0, 2.0, len(lines))
        shown.append(lines[np.argsort(-noisy, kind="stable")][:_SHOWN])
    sizes = np.array([len(lines) for lines in shown])
    request = np.repeat(np.arange(len(query)), sizes)
    return _Pages(request, np.arange(len(request)) - (np.cumsum(sizes) - sizes)[request], np.concatenate(shown))


def _events(rng: np.random.Generator, pages: _Pages, appeal: np.ndarray, at: np.ndarray) -> pd.DataFrame:
    """time, action and row of the pages, by time."""
    time = at[pages.request]
    looked = rng.random(len(time)) < (1.0 + pages.position) ** -0.6
    clicked = np.flatnonzero(looked & (rng.random(len(time)) < expit(appeal)))
    click_at = time[clicked] + rng.integers(2_000, 30_000, len(clicked))
    long = rng.random(len(clicked)) < expit(appeal[clicked])
    saved = rng.random(len(clicked)) < expit(appeal[clicked] - 3)
    parts = (
        ("impression", np.arange(len(time)), time),
        ("click", clicked, click_at),
        ("long_click", clicked[long], click_at[long] + 60_000),
        ("save", clicked[saved], click_at[saved] + 20_000),
    )
    tables = [pd.DataFrame({"time": when, "action": action, "row": rows}) for action, rows, when in parts]
    return pd.concat(tables, ignore_index=True).sort_values("time", kind="stable", ignore_index=True)
