"""Ranking metrics per request, and their mean with a bootstrap interval over users.

Ties: every metric is its expectation when candidates of equal score are in random order, so that a scorer gains nothing from
the order in which candidates are listed. NaN scores come last (and tie with each other).

- recall@k: share of the request's engaged items among its first k candidates.
- hits@3: 1 when at least one engaged item is among the first 3.
- ndcg@10: gains as given, discount 1 / log2(rank + 1), ideal order over all the request's candidates.
- auc: chance that an engaged candidate scores above one that is not; ties count half.

A request without engaged items has no value (NaN) and is left out of means; auc also needs a candidate not engaged with.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

METRICS = ("recall@10", "recall@100", "recall@300", "hits@3", "ndcg@10", "auc")


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class _Ranking:
    """Candidates sorted by request, then score; a tie group is a run of equal scores, at ranks first … first + size − 1."""

    request: np.ndarray
    gains: np.ndarray
    first: np.ndarray
    size: np.ndarray
    group: np.ndarray
    starts: np.ndarray


def request_metrics(scores: np.ndarray, gains: np.ndarray, offsets: np.ndarray) -> dict[str, np.ndarray]:
    """scores, gains: [N]; request r owns offsets[r]:offsets[r + 1]. Returns float64 [R] for each of METRICS."""
    ranking = _rank(np.asarray(scores, np.float64), np.asarray(gains, np.float64), np.asarray(offsets))
    requests = len(offsets) - 1
    engaged = (ranking.gains > 0).astype(float)
    positives = np.bincount(ranking.request, engaged, requests)
    has = positives > 0
    result = {}
    for k in (10, 100, 300):
        inside = np.clip((k - ranking.first) / ranking.size, 0, 1)
        result[f"recall@{k}"] = _ratio(np.bincount(ranking.request, engaged * inside, requests), positives)
    result["hits@3"] = np.where(has, _hits(ranking, engaged, 3, requests), np.nan)
    result["ndcg@10"] = _ndcg(ranking, 10, requests)
    result["auc"] = _auc(ranking, engaged, positives, requests)
    return result


def _rank(scores: np.ndarray, gains: np.ndarray, offsets: np.ndarray) -> _Ranking:
    request = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    worst_first = np.where(np.isnan(scores), -np.inf, scores)
    order = np.lexsort((-worst_first, np.isnan(scores), request))
    request, gains, value, absent = request[order], gains[order], worst_first[order], np.isnan(scores)[order]
    new = np.ones(len(order), bool)
    new[1:] = (request[1:] != request[:-1]) | (value[1:] != value[:-1]) | (absent[1:] != absent[:-1])
    starts = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    size = np.diff(np.append(starts, len(order)))[group]
    return _Ranking(request, gains, (starts - offsets[request[starts]])[group], size, group, starts)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(len(denominator), np.nan), where=denominator > 0)


def _hits(ranking: _Ranking, engaged: np.ndarray, k: int, requests: int) -> np.ndarray:
    """1 − Π over tie groups of the chance that no engaged item of the group is among its places before k."""
    starts = ranking.starts
    size = ranking.size[starts].astype(float)
    wanted = np.bincount(ranking.group, engaged)
    places = np.clip(k - ranking.first[starts], 0, size)
    miss = np.ones(len(starts))
    for place in range(k):
        left = np.maximum(size - place, 1)
        miss *= np.where(place < places, np.maximum(size - wanted - place, 0) / left, 1)
    none = np.ones(requests)
    np.multiply.at(none, ranking.request[starts], miss)
    return 1 - none


def _ndcg(ranking: _Ranking, k: int, requests: int) -> np.ndarray:
    discounts = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    until = np.minimum(ranking.first + ranking.size, k)
    expected = (discounts[until] - discounts[np.minimum(ranking.first, k)]) / ranking.size
    gained = np.bincount(ranking.request, ranking.gains * expected, requests)
    order = np.lexsort((-ranking.gains, ranking.request))
    place = np.arange(len(order)) - np.searchsorted(ranking.request, np.arange(requests))[ranking.request]
    discount = np.where(place < k, 1 / np.log2(place + 2.0), 0)
    return _ratio(gained, np.bincount(ranking.request, ranking.gains[order] * discount, requests))


def _auc(ranking: _Ranking, engaged: np.ndarray, positives: np.ndarray, requests: int) -> np.ndarray:
    midrank = ranking.first + (ranking.size + 1) / 2
    total = np.bincount(ranking.request, minlength=requests)
    from_bottom = np.bincount(ranking.request, engaged * (total[ranking.request] + 1 - midrank), requests)
    return _ratio(from_bottom - positives * (positives + 1) / 2, positives * (total - positives))


def user_interval(values: np.ndarray, users: np.ndarray, *, resamples: int = 1000, seed: int = 1) -> Interval:
    """Mean over requests with a 95 % percentile interval from resampling users with replacement. The same users and seed
    give the same resamples, so intervals of two systems on the same requests are comparable. A request of nobody ('')
    stands for a user of its own."""
    users = np.asarray(users, object)
    code, distinct = pd.factorize(np.where(users == "", np.arange(len(users)), users))
    known = ~np.isnan(values)
    if not known.any():
        return Interval(np.nan, np.nan, np.nan)
    sums = np.bincount(code[known], values[known], len(distinct))
    counts = np.bincount(code[known], minlength=len(distinct)).astype(float)
    rng, means = np.random.default_rng(seed), []
    for _ in range(0, resamples, 50):
        weights = rng.multinomial(len(distinct), np.full(len(distinct), 1 / len(distinct)), size=50)
        means.append(_ratio(weights @ sums, weights @ counts))
    low, high = np.nanpercentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))


def summarise(
    metrics: dict[str, np.ndarray], users: np.ndarray, *, resamples: int = 1000, seed: int = 1
) -> dict[str, Interval]:
    return {name: user_interval(values, users, resamples=resamples, seed=seed) for name, values in metrics.items()}
