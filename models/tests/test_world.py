"""Search world: reproducible, in the log schema, and each signal carries information without being enough."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from interactrank.bm25 import index_bm25, pair_scores
from interactrank.candidates import CandidateOptions, build_candidates
from interactrank.counts import DAY_MS, CountColumn, CountSchema
from interactrank.counts.index import index_counts, look_up
from interactrank.logs import read_log
from interactrank.logs.requests import group_requests
from interactrank.metrics import request_metrics
from interactrank.sequences import index_sequences, sequences_before
from interactrank.world import simulate
from interactrank.world.options import PRESETS, START_MS

OPTIONS = PRESETS["tiny"]
SPLIT_MS = START_MS + (OPTIONS.days - 4) * DAY_MS


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("world"), OPTIONS, progress=False)


@pytest.fixture(scope="module")
def log(paths):
    return read_log(*paths)


@pytest.fixture(scope="module")
def grouped(log):
    return group_requests(log)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_world(tmp_path):
    small = replace(OPTIONS, requests=300)
    first, again, other = (simulate(tmp_path / str(n), replace(small, seed=s), progress=False) for n, s in enumerate((1, 1, 2)))
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(first, other, strict=True))


def test_the_log_holds_the_log_schema_and_nothing_else(paths, log):
    events, items = (pd.read_parquet(path).columns.tolist() for path in paths)
    assert items == ["item", "title", "text", "category", "price", "published_day"]
    context = ["country", "gender", "device", "language"]
    assert events == ["time", "user", "query", "item", "action", "request_id", "position", *context]
    assert log.id_kind == "u64" and not log.notices
    assert 0 < log.events["country"].isna().mean() < 0.1
    days = (log.events["time"] - START_MS) / DAY_MS
    assert 0 <= days.min() < 1 and OPTIONS.days - 1 < days.max() < OPTIONS.days + 0.1


def test_nothing_is_shown_before_it_is_published_or_engaged_with_before_it_is_shown(log):
    published = log.items["published_day"].to_numpy()[log.events["item_row"]] * DAY_MS
    assert (log.events["time"] >= published).all()
    events = log.events.drop_duplicates(["request", "item_row"])
    assert (events["action"] == "impression").all()


def test_actions_are_as_frequent_as_in_a_shop_and_first_places_get_more_clicks(log, grouped):
    rate = log.events["action"].value_counts() / (log.events["action"] == "impression").sum()
    assert 0.05 < rate["click"] < 0.2
    assert 0 < rate["save"] < rate["short_click"] + rate["long_click"] < rate["click"]
    shown = grouped.rows.groupby("position")["click"].mean()
    assert shown[0] > 1.5 * shown[3] > 1.8 * shown[9]


def test_queries_are_skewed_partly_new_and_partly_misspelt(log, grouped):
    frame = grouped.requests
    share = frame["query"].value_counts(normalize=True)
    assert share.iloc[:20].sum() > 0.15 and (frame["query"].value_counts() == 1).sum() > 50
    late = frame["time"] >= SPLIT_MS
    unseen = ~frame["query"][late].isin(set(frame["query"][~late]))
    assert 0.03 < unseen.mean() < 0.4


@pytest.fixture(scope="module")
def held_out(log, grouped):
    """Requests of the last days with candidates, and log-only scores of them."""
    engaged = grouped.rows[grouped.rows["engaged"]].groupby("request")["item_row"].apply(np.array)
    late = engaged[grouped.requests["time"].to_numpy()[engaged.index] >= SPLIT_MS]
    requests = grouped.requests.iloc[late.index].assign(as_of=SPLIT_MS).reset_index(drop=True)
    queries = requests["query"].astype(object).tolist()
    options = CandidateOptions(lexical=200, popular=40, total=300)
    candidates = build_candidates(log, queries, late.tolist(), SPLIT_MS, options)
    return requests, queries, candidates


def auc(scores, candidates):
    return np.nanmean(request_metrics(scores, candidates.engaged, candidates.offsets)["auc"])


def taste_scores(log, requests, candidates):
    """Likeness in words between a candidate and what the user engaged with of late."""
    weights = index_bm25(log.item_texts).weights.T.tocsr()
    past = sequences_before(index_sequences(log), requests["user"], requests["time"], 30)
    scores = np.zeros(len(candidates.item_row), np.float32)
    for number, (rows, mask) in enumerate(zip(past.item_row, past.mask, strict=True)):
        mine = slice(candidates.offsets[number], candidates.offsets[number + 1])
        profile = weights[rows[mask > 0]].sum(axis=0)
        scores[mine] = np.asarray(weights[candidates.item_row[mine]] @ np.asarray(profile).T).ravel()
    return scores


def test_text_counts_segments_and_taste_each_tell_something_and_none_is_enough(log, held_out):
    requests, queries, candidates = held_out
    texts = pair_scores(index_bm25(log.item_texts), queries, candidates.request, candidates.item_row)
    schema = CountSchema((CountColumn("click", "click", 0),), ("all", "country", "gender", "token"))
    table = look_up(index_counts(log, schema), requests, candidates.request, candidates.item_row)
    rates = np.nan_to_num(table.rates(prior=20))[:, 0]
    found = {name: auc(rates[s], candidates) for s, name in enumerate(schema.segments)}
    found |= {"text": auc(texts, candidates), "taste": auc(taste_scores(log, requests, candidates), candidates)}
    assert all(0.53 < value < 0.9 for value in found.values()), found
    together = texts / texts.std() + np.log1p(200 * rates.mean(axis=0)) * 3
    assert auc(together, candidates) > max(found["text"], found["all"]) + 0.01, found
