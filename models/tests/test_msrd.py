"""The Movie Search Ranking Dataset becomes a log of train queries and judged lists of the rest."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from interactrank.bm25 import index_bm25, pair_scores
from interactrank.logs import read_log
from interactrank.logs.tables import LogError
from interactrank.metrics import request_metrics
from interactrank.msrd import convert
from interactrank.msrd.judged import read_judged_lists, read_judgments, split_of

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "msrd"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The same files in small: 40 movies, 120 queries with quotation marks."""
    folder = tmp_path_factory.mktemp("msrd")
    rng = np.random.default_rng(0)
    with gzip.open(folder / "movies.jsonl.gz", "wt") as lines:
        for number in range(40):
            lists = {name: [f"{name} {number % 7}"] if number % 5 else [] for name in ("tags", "genres", "actors", "characters")}
            movie = {"id": str(100 + number), "title": f"Movie {number}", "overview": f"plot {number}", "director": "", **lists}
            numbers = {"year": 2000, "votes": 5, "rating": 6.5, "popularity": 2.25, "budget": 0, "url": "x"}
            lines.write(json.dumps({**movie, **numbers}) + "\n")
    with gzip.open(folder / "judgments.tsv.gz", "wt") as lines:
        lines.write("query_id\tquery\tdoc_id\tgrade\n")
        for query in range(120):
            relevant = rng.integers(0, 40)
            for movie in {relevant, *rng.integers(0, 40, 8)}:
                lines.write(f'qid:{query}\tmovie "{relevant} #{query}\t{100 + movie}\t{int(movie == relevant)}\n')
    return folder


def test_the_log_holds_train_queries_only_and_reads_as_any_log(data, tmp_path):
    events, items, judged = convert(data, tmp_path, requests=500)
    log, lists = read_log(events, items), pd.read_parquet(judged)
    assert log.id_kind == "u64" and len(log.items) == 40
    assert log.numeric == ("year", "votes", "rating", "popularity", "budget")
    assert set(lists["split"]) == {"validation", "test"}
    of_split = {q: split_of(i) for i, q in read_judgments(data)[["query_id", "query"]].drop_duplicates().to_numpy()}
    assert {of_split[q] for q in log.events["query"].unique()} == {"train"}
    assert log.events["query"].str.contains('"').all()
    assert 0.6 < np.mean([s == "train" for s in of_split.values()]) < 0.95


def test_relevant_movies_and_first_places_are_clicked_most(data, tmp_path):
    events, *_ = convert(data, tmp_path, requests=3000)
    rows = pd.read_parquet(events).merge(read_judgments(data), on=["query", "item"])
    rate = rows[rows["action"] == "click"].groupby("grade").size() / rows[rows["action"] == "impression"].groupby("grade").size()
    assert rate[1] > 5 * rate[0] > 0
    relevant = rows[rows["grade"] == 1].groupby(["position", "action"], observed=True).size().unstack()
    assert relevant["click"][0] / relevant["impression"][0] > 1.3 * relevant["click"][3] / relevant["impression"][3]


def test_the_same_seed_gives_the_same_bytes(data, tmp_path):
    first, again, other = (convert(data, tmp_path / str(n), seed=s, requests=200) for n, s in enumerate((1, 1, 2)))
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    assert first[0].read_bytes() != other[0].read_bytes()


def test_a_folder_without_the_data_is_refused(tmp_path):
    with pytest.raises(LogError, match="has no movies.jsonl.gz"):
        convert(tmp_path, tmp_path / "out")


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/msrd, the Movie Search Ranking Dataset")
def test_bm25_over_all_text_ranks_the_real_judged_lists_as_well_as_published(tmp_path):
    events, items, judged = convert(REAL, tmp_path, requests=100)
    log = read_log(events, items)
    lists = read_judged_lists(judged, log, "test")
    assert len(lists.queries) > 1500 and (lists.item_row >= 0).all()
    query = np.repeat(np.arange(len(lists.queries)), np.diff(lists.offsets))
    scores = pair_scores(index_bm25(log.item_texts), lists.queries, query, lists.item_row)
    found = np.nanmean(request_metrics(scores, lists.gains, lists.offsets)["ndcg@10"])
    assert 0.74 < found < 0.8
