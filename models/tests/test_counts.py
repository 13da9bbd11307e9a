"""Counts as of a time are what a plain loop over the events before it counts."""

import numpy as np
import pandas as pd
import pytest
from random_logs import DAY, T0, random_log

from interactrank.counts import CountColumn, CountSchema, last_daily_build
from interactrank.counts.blob import decode_count_blob
from interactrank.counts.build import count_blobs
from interactrank.counts.index import index_counts, look_up
from interactrank.leaks import LeakError, check_no_leak
from interactrank.text import distinct_tokens, query_key

SCHEMA = CountSchema(
    columns=(CountColumn("click_3d", "click", 3), CountColumn("click_all", "click", 0), CountColumn("save_5d", "save", 5)),
    segments=("all", "country", "gender", "token"),
)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return random_log(tmp_path_factory.mktemp("counts"))


def groups_of(query, context, segment):
    if segment == "all":
        return [query_key(query)]
    if segment == "token":
        return distinct_tokens(query)
    return [] if pd.isna(context[segment]) else [(context[segment], query_key(query))]


def loop_counts(log, request, item_row, column, segment):
    """[count, total], one event after the other."""
    wanted, count, total = groups_of(request.query, request._asdict(), segment), 0, 0
    start = request.as_of - column.window_days * DAY if column.window_days else 0
    for event in log.events.itertuples():
        if event.action == column.action and start <= event.time < request.as_of:
            shared = len(set(wanted) & set(groups_of(event.query, event._asdict(), segment)))
            total += shared
            count += shared * (event.item_row == item_row)
    return [count, total]


def test_counts_of_rows_are_those_of_a_plain_loop(log):
    rng = np.random.default_rng(0)
    requests = log.events.iloc[rng.integers(0, len(log.events), 25)][["query", "country", "gender", "time"]]
    requests = requests.assign(as_of=last_daily_build(requests["time"]) + np.where(np.arange(25) % 2, 0, 12_345)).reset_index()
    requests.loc[3, "as_of"] = T0 - DAY
    requests.loc[4, "as_of"] = T0 + 100 * DAY
    request, item_row = rng.integers(0, 25, 120), rng.integers(0, 15, 120)
    table = look_up(index_counts(log, SCHEMA), requests, request, item_row)
    given = list(requests.itertuples())
    assert table.counts.sum() > 100
    for s, segment in enumerate(SCHEMA.segments):
        for f, column in enumerate(SCHEMA.columns):
            expected = [loop_counts(log, given[r], i, column, segment) for r, i in zip(request, item_row, strict=True)]
            found = np.stack([table.counts[s, f], table.totals[s, f][request]], 1)
            assert found.tolist() == expected, (segment, column.name)


def test_rates_are_missing_without_a_total_and_zero_for_an_item_not_counted(log):
    context = {"country": ["DE", None], "gender": ["f", "x"]}
    requests = pd.DataFrame({"query": ["lamp", "never seen"], **context, "as_of": T0 + 9 * DAY})
    table = look_up(index_counts(log, SCHEMA), requests, np.array([0, 0, 1]), np.array([0, 1, 0]))
    rates = table.rates(prior=10)
    assert np.isnan(rates[:, :, 2]).all()
    total = table.totals[0, 1, 0]
    assert rates[0, 1, :2] == pytest.approx(table.counts[0, 1, :2] / (total + 10))


def test_blobs_hold_the_same_counts_as_the_rows(log):
    as_of = T0 + 7 * DAY
    blobs = {key: decode_count_blob(data) for key, data in count_blobs(log, SCHEMA, as_of).items()}
    assert {"iqp:all:{red shoes}", "iqp:country=DE:{lamp}", "iqp:gender=m:{☃}", "iqp:token:{red}"} <= blobs.keys()
    assert "iqp:token:{☃}" not in blobs and "iqp:country=:{lamp}" not in blobs
    requests = pd.DataFrame({"query": ["Red Shoes"], "country": "FR", "gender": "m", "as_of": as_of})
    table = look_up(index_counts(log, SCHEMA), requests, np.zeros(15, int), np.arange(15))
    keys = log.items["key"].to_numpy()
    of_query = [[f"iqp:{segment}:{{red shoes}}"] for segment in ("all", "country=FR", "gender=m")]
    by_segment = [*of_query, ["iqp:token:{red}", "iqp:token:{shoes}"]]
    for s, names in enumerate(by_segment):
        assert table.totals[s, :, 0] == pytest.approx(sum(blobs[n].totals for n in names))
        for item, key in enumerate(keys):
            found = sum(blobs[n].counts[:, blobs[n].keys == key].sum(axis=1) for n in names)
            assert table.counts[s, :, item].tolist() == found.tolist()
    assert all(blob.counts.any(axis=0).all() for blob in blobs.values())


def features(log, requests, shift):
    frame = requests.assign(as_of=last_daily_build(requests["time"]) + shift)
    table = look_up(index_counts(log, SCHEMA), frame, np.arange(len(frame)), requests["item_row"].to_numpy())
    return np.concatenate([table.counts.reshape(-1, len(frame)), table.totals.reshape(-1, len(frame))]).T


def test_training_counts_see_nothing_of_their_own_time_or_later_and_a_planted_leak_is_caught(log):
    requests = log.events[["time", "query", "country", "gender", "item_row"]].copy()
    check_no_leak(lambda changed: features(changed, requests, 0), log, requests["time"])
    with pytest.raises(LeakError, match="at or after their own time"):
        check_no_leak(lambda changed: features(changed, requests, DAY), log, requests["time"])


def test_no_engagements_is_no_error(tmp_path):
    log = random_log(tmp_path, events=8)
    log.events["action"] = pd.Categorical(["impression"] * 8, log.actions)
    requests = pd.DataFrame({"query": ["lamp"], "country": ["DE"], "gender": ["f"], "as_of": [T0]})
    table = look_up(index_counts(log, SCHEMA), requests, np.zeros(2, int), np.arange(2))
    assert not table.counts.any() and not table.totals.any() and count_blobs(log, SCHEMA, T0) == {}
