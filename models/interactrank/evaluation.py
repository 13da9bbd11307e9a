"""Evaluates a run: every trained system beside BM25, written as table, plot and evaluation.json."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interactrank.evaluate import evaluate_scores, model_scores
from interactrank.features import LEXICAL
from interactrank.held_out import HeldOut, Period, held_out
from interactrank.logs.items import POPULARITY
from interactrank.report import Results, markdown_table, write_json, write_plot
from interactrank.runs import Run, load_system, trained_systems

BM25 = "bm25"
WITHOUT_COLUMN = "interactrank_lexical_without_column"


@dataclass(frozen=True)
class Evaluation:
    held: HeldOut
    results: Results
    table: str


def evaluate_run(run: Run, directory: Path) -> Evaluation:
    experiment = run.experiment
    held = held_out(experiment, test_period(run))
    results: Results = {BM25: evaluate_scores(lexical_column(run, held), held)}
    titles = {BM25: "BM25"}
    for system in trained_systems(run):
        model = load_system(run, system)
        results[system.name], titles[system.name] = evaluate_scores(model_scores(model, experiment, held), held), system.title
        if system.caller:
            hidden = model_scores(model, experiment, held, hide_caller=True)
            results[WITHOUT_COLUMN], titles[WITHOUT_COLUMN] = evaluate_scores(hidden, held), f"{system.title}, column not sent"
    directory.mkdir(parents=True, exist_ok=True)
    write_json(results, titles, facts(held), directory / "evaluation.json")
    write_plot(results, titles, directory / "evaluation.png")
    return Evaluation(held, results, markdown_table(results, titles))


def test_period(run: Run) -> Period:
    return Period(run.experiment.split.test_ms, 2**62, run.recipe.held_out_max, run.recipe.data.seed)


def lexical_column(run: Run, held: HeldOut) -> np.ndarray:
    return held.raw[:, _position(run, LEXICAL)]


def popularity_column(run: Run, held: HeldOut) -> np.ndarray:
    return held.raw[:, _position(run, POPULARITY)]


def _position(run: Run, name: str) -> int:
    schema = run.experiment.schema
    return [column.name for column in (*schema.cross, *schema.scalars, *schema.caller)].index(name)


def facts(held: HeldOut) -> dict:
    """What a reader needs to judge the numbers."""
    engaged, user = held.gains > 0, held.frame["user"]
    return {
        "requests": len(held.frame),
        "users": int(user[user != ""].nunique()),
        "candidates_per_request": round(float(np.diff(held.candidates.offsets).mean()), 1),
        "engaged_per_request": round(float(engaged.sum() / len(held.frame)), 3),
        "engaged_found_by_retrieval": round(float(held.candidates.retrieved[engaged].mean()), 4),
        "counts_as_of_ms": int(held.frame["as_of"].iloc[0]),
        "interval": "95 % bootstrap over users",
    }
