"""Ranks judged lists of queries that the log never saw: what the model knows about real text."""
from os import PathLike

import numpy as np
import pandas as pd

from interactrank.candidates import Candidates
from interactrank.evaluate import evaluate_scores, model_scores
from interactrank.evaluation import BM25, lexical_column, popularity_column
from interactrank.features import raw_columns, request_frame
from interactrank.held_out import STORED_EVENTS, HeldOut
from interactrank.logs.events import CONTEXT
from interactrank.msrd.judged import read_judged_lists
from interactrank.report import Results
from interactrank.runs import Run, load_system, trained_systems
from interactrank.sequences import sequences_before


def judge_run(run: Run, judged: str | PathLike, split: str) -> tuple[Results, dict[str, str]]:
    """Results and titles by system: BM25, popularity and everything that was trained."""
    held = judged_requests(run, judged, split)
    results: Results = {BM25: evaluate_scores(lexical_column(run, held), held)}
    results["popularity"] = evaluate_scores(popularity_column(run, held), held)
    titles = {BM25: "BM25, all text", "popularity": "popularity"}
    for system in trained_systems(run):
        scores = model_scores(load_system(run, system), run.experiment, held)
        results[system.name], titles[system.name] = evaluate_scores(scores, held), system.title
    return results, titles


def judged_requests(run: Run, judged: str | PathLike, split: str) -> HeldOut:
    """Every list as a request of nobody at the end of the log, with its judged items as the only candidates. So intervals
    are over lists."""
    experiment = run.experiment
    lists = read_judged_lists(judged, experiment.log, split)
    end = int(experiment.log.events["time"].iloc[-1]) + 1
    count = len(lists.queries)
    frame = pd.DataFrame({"time": np.full(count, end), "user": "", "query": lists.queries})
    for name in CONTEXT:
        frame[name] = pd.Categorical([None] * count)
    frame = request_frame(frame, end)
    engaged = lists.gains > 0
    candidates = Candidates(lists.offsets, lists.item_row, engaged, np.ones(len(engaged), bool))
    raw = raw_columns(experiment.source, frame, candidates.request, lists.item_row)
    sequences = sequences_before(experiment.sequences, frame["user"], frame["time"], STORED_EVENTS)
    return HeldOut(frame, candidates, lists.gains, raw, sequences)
