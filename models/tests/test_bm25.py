"""BM25 scores are the formula's, top items are their sorted order, candidates are lexical, popular and random."""

import math
from collections import Counter

import numpy as np
import pytest
from random_logs import DAY, T0, random_log

from interactrank.bm25 import index_bm25, pair_scores, top_items
from interactrank.candidates import CandidateOptions, build_candidates, lexical_items
from interactrank.text import tokens

TEXTS = ["red shoes", "blue shoes blue", "lamp", "a red red lamp with a long long text about lamps", "", "red shoes"]


def formula(query, text):
    score, mean = 0.0, np.mean([len(tokens(t)) for t in TEXTS])
    for word in tokens(query):
        frequency = sum(word in tokens(t) for t in TEXTS)
        count = Counter(tokens(text))[word]
        idf = math.log(1 + (len(TEXTS) - frequency + 0.5) / (frequency + 0.5))
        score += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * len(tokens(text)) / mean))
    return score


def test_scores_are_those_of_the_formula():
    index, queries = index_bm25(TEXTS), ["Red lamp", "blue", "unknown", "red red"]
    query, item = (x.ravel() for x in np.meshgrid(range(4), range(6), indexing="ij"))
    expected = [formula(queries[q], TEXTS[i]) for q, i in zip(query, item, strict=True)]
    assert pair_scores(index, queries, query, item) == pytest.approx(expected, rel=1e-5)


def test_top_items_are_sorted_by_score_with_ties_by_row_and_never_without_a_shared_term():
    rows, scores = top_items(index_bm25(TEXTS), ["red shoes", "unknown", "lamp"], 3)
    assert rows.tolist() == [[0, 5, 1], [-1, -1, -1], [2, 3, -1]]
    assert (np.diff(scores, axis=1) <= 0).all()


def test_many_queries_and_items_agree_with_single_scores():
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(50)])
    texts = [" ".join(rng.choice(words, 6)) for _ in range(300)]
    queries = [" ".join(rng.choice(words, 2)) for _ in range(600)]
    index = index_bm25(texts)
    rows, scores = top_items(index, queries, 20)
    query, place = np.nonzero(rows >= 0)
    assert pair_scores(index, queries, query, rows[query, place]) == pytest.approx(scores[query, place])
    best = pair_scores(index, queries, np.full(300, 577), np.arange(300))
    assert np.sort(best)[::-1][:20] == pytest.approx(scores[577])


def test_a_misspelt_query_finds_items_by_its_trigrams_after_those_with_its_words():
    found = lexical_items(TEXTS, ["sheos red", "lapm"], 4)
    assert found[0].tolist()[:2] == [0, 5] and 2 in found[1]


def test_candidates_are_seeded_complete_and_say_what_was_added(tmp_path):
    log = random_log(tmp_path)
    queries, engaged = ["item 3", "zzz", "item 3"], [np.array([2, 9]), np.array([], int), np.array([14])]
    options = CandidateOptions(lexical=2, popular=3, total=8, seed=5)
    first, again = (build_candidates(log, queries, engaged, T0 + 5 * DAY, options) for _ in range(2))
    assert np.array_equal(first.item_row, again.item_row)
    for r, wanted in enumerate(engaged):
        mine = slice(first.offsets[r], first.offsets[r + 1])
        rows = first.item_row[mine]
        assert len(set(rows)) == len(rows) == 8 + (~first.retrieved[mine]).sum()
        assert rows[first.engaged[mine]].tolist() == sorted(wanted)
        assert set(rows[~first.retrieved[mine]]) <= set(wanted)
    assert not first.retrieved.all()
    other = build_candidates(log, queries, engaged, T0 + 5 * DAY, CandidateOptions(2, 3, 8, seed=6))
    assert not np.array_equal(first.item_row, other.item_row)
