"""Metrics are what their definitions say, with ties in expectation over random orders."""

import itertools

import numpy as np
import pytest

from interactrank.metrics import METRICS, request_metrics, user_interval


def plain(order, gains):
    """Metrics of one full order of candidates."""
    ranked = [gains[i] for i in order]
    wanted = sum(g > 0 for g in gains)
    result = {f"recall@{k}": sum(g > 0 for g in ranked[:k]) / wanted for k in (10, 100, 300)}
    result["hits@3"] = float(any(g > 0 for g in ranked[:3]))
    discount = [1 / np.log2(i + 2) for i in range(10)]
    ideal = sum(g * d for g, d in zip(sorted(gains, reverse=True), discount, strict=False))
    result["ndcg@10"] = sum(g * d for g, d in zip(ranked, discount, strict=False)) / ideal
    above = [(i, j) for i, j in itertools.combinations(range(len(ranked)), 2) if (ranked[i] > 0) != (ranked[j] > 0)]
    result["auc"] = sum(ranked[i] > 0 for i, _ in above) / len(above)
    return result


def test_without_ties_metrics_are_those_of_the_one_order():
    rng = np.random.default_rng(3)
    sizes = [400, 2, 57, 1000]
    scores, gains = rng.normal(size=sum(sizes)), (rng.random(sum(sizes)) < 0.1) * rng.integers(1, 4, sum(sizes))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    gains[offsets[1] : offsets[2]] = [0, 2]
    found = request_metrics(scores, gains, offsets)
    for r in range(len(sizes)):
        mine = slice(offsets[r], offsets[r + 1])
        expected = plain(np.argsort(-scores[mine]), gains[mine].tolist())
        assert {name: found[name][r] for name in METRICS} == pytest.approx(expected)


def test_ties_count_as_the_mean_over_all_orders():
    scores, gains = np.array([1.0, 1, 0, 0, 0, 2]), [0, 1, 3, 0, 0, 0]
    orders = [o for o in itertools.permutations(range(6)) if all(scores[a] >= scores[b] for a, b in itertools.pairwise(o))]
    expected = {name: np.mean([plain(order, gains)[name] for order in orders]) for name in METRICS}
    found = request_metrics(scores, gains, [0, 6])
    assert {name: float(found[name][0]) for name in METRICS} == pytest.approx(expected)
    many = request_metrics(np.zeros(500), np.arange(500) < 5, [0, 500])
    assert [many["recall@100"][0], many["auc"][0]] == pytest.approx([0.2, 0.5])


def test_nan_scores_come_last_and_requests_without_engagement_have_no_value():
    found = request_metrics(np.array([np.nan, -5.0, -np.inf, 1, 2, 3]), [0, 1, 0, 0, 0, 0], [0, 3, 6])
    assert found["auc"][0] == 1 and all(np.isnan(found[name][1]) for name in METRICS)


def test_the_interval_covers_the_true_mean_and_resamples_users_not_requests():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(60):
        level = rng.normal(size=80)
        users = np.repeat(np.arange(80), 10)
        interval = user_interval(level[users] + 0.1 * rng.normal(size=800), users, resamples=300, seed=trial)
        covered += interval.low <= 0 <= interval.high
        assert interval.high - interval.low > 0.3  # over requests it would be about 0.14
    assert covered >= 51


def test_requests_of_nobody_are_users_of_their_own():
    values = np.random.default_rng(0).random(400)
    nobody, everybody = (user_interval(values, users) for users in ([""] * 400, [f"u{n}" for n in range(400)]))
    assert nobody == everybody and nobody.high - nobody.low > 0.03


def test_the_interval_is_the_same_for_the_same_seed_and_ignores_missing_values():
    values, users = np.array([1.0, 0.0, np.nan, 1.0]), ["a", "b", "b", "c"]
    assert user_interval(values, users) == user_interval(values, users)
    assert user_interval(values, users).mean == pytest.approx(2 / 3)
