"""A log from a stranger (a thousand rows, no impressions, no context, unicode): features, training, evaluation."""
from dataclasses import replace

import numpy as np
import pytest
import torch

from interactrank.counts import last_daily_build
from interactrank.counts.index import index_counts
from interactrank.evaluate import evaluate_scores, model_scores
from interactrank.evaluation import facts
from interactrank.experiment import columns_for, schema_for
from interactrank.features import raw_columns, request_frame, wanted_actions
from interactrank.leaks import LeakError, check_no_leak
from interactrank.logs import Log
from interactrank.losses import sampled_softmax
from interactrank.model import InteractRank
from interactrank.popularity import index_popularity
from interactrank.presets import SMOKE
from interactrank.systems import system_named
from interactrank.train import TrainOptions, batch_loss, item_vectors, train


def test_a_thousand_strange_rows_train_to_something_better_than_chance(model, experiment, held):
    metrics = evaluate_scores(model_scores(model, experiment, held), held)
    assert metrics["auc"].low > 0.6


def test_nobody_is_not_counted_as_a_user(held):
    user = held.frame["user"].astype(object)
    half_unknown = replace(held, frame=held.frame.assign(user=user.where(user > "u2", "")))
    assert facts(half_unknown)["users"] == user[user > "u2"].nunique() < facts(held)["users"]


def test_examples_hold_engaged_items_first_and_no_padding_labels(experiment):
    examples = experiment.examples
    assert (examples.labels[:, 0, 0] == 1).all()
    assert not examples.labels[examples.item_row < 0].any()


def test_the_softmax_draws_from_the_items_of_the_batch_and_padding_adds_none(model, experiment, monkeypatch):
    def seeing(**arguments):
        seen.append(arguments["items"])
        return sampled_softmax(**arguments)

    examples, seen = experiment.examples, []
    batch = np.flatnonzero((examples.item_row[:, -1] == -1) & (examples.item_row != 0).all(axis=1))[:8]
    rows = examples.item_row[batch]
    monkeypatch.setattr("interactrank.train.sampled_softmax", seeing)
    batch_loss(model, examples, batch, experiment.item_inputs, TrainOptions())
    expected = item_vectors(model, experiment.item_inputs)[0][np.unique(rows[rows >= 0])]
    assert len(batch) == 8 and seen[0].shape == expected.shape and torch.allclose(seen[0], expected, atol=1e-6)


def test_columns_of_examples_are_those_of_their_items(experiment):
    positions = [0, len(experiment.schema.cross)]
    chosen = columns_for(experiment, experiment.examples, system_named("two_tower"))
    assert chosen.columns.shape[2] == 1
    assert np.array_equal(chosen.columns[..., 0], experiment.examples.columns[..., positions[1]])


def test_training_columns_see_only_the_past(log, experiment):
    time = experiment.grouped.requests["time"].to_numpy()
    pair_times = time[experiment.grouped.rows["request"].to_numpy()]
    check_no_leak(lambda of: columns_as_of(of, experiment, last_daily_build(time)), log, pair_times)


def test_a_planted_leak_is_caught(log, experiment):
    """Counts as of the end of the log: every row sees its own label."""
    time = experiment.grouped.requests["time"].to_numpy()
    pair_times = time[experiment.grouped.rows["request"].to_numpy()]
    end = np.full(len(time), time[-1] + 1)
    with pytest.raises(LeakError, match="see events at or after their own time"):
        check_no_leak(lambda of: columns_as_of(of, experiment, end), log, pair_times)


def columns_as_of(log: Log, experiment, as_of_ms: np.ndarray) -> np.ndarray:
    """Columns of the experiment's own pairs, counted from another version of its log."""
    rows = experiment.grouped.rows
    source = replace(
        experiment.source, log=log, counts=index_counts(log, experiment.source.columns.counts),
        popularity=index_popularity(log, wanted_actions(log)),
    )
    frame = request_frame(experiment.grouped.requests, as_of_ms)
    return raw_columns(source, frame, rows["request"].to_numpy(), rows["item_row"].to_numpy())


def test_training_resumes_where_it_stopped(experiment, tmp_path, monkeypatch):
    system = system_named("interactrank_lexical")
    options = TrainOptions(epochs=2, batch_requests=128)

    def fresh() -> InteractRank:
        torch.manual_seed(3)
        return InteractRank(SMOKE, schema_for(experiment, system), system)

    def run(model: InteractRank, checkpoint: str) -> None:
        path = tmp_path / checkpoint
        train(model, experiment.examples, experiment.item_inputs, options, checkpoint=path, line=None)

    def stopping(*args):
        steps.append(1)
        if len(steps) > 9:
            raise KeyboardInterrupt
        return batch_loss(*args)

    whole, stopped, resumed, steps = fresh(), fresh(), fresh(), []
    run(whole, "whole.pt")
    monkeypatch.setattr("interactrank.train.batch_loss", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, "part.pt")
    monkeypatch.undo()
    run(resumed, "part.pt")
    for name, value in whole.state_dict().items():
        assert torch.allclose(value, resumed.state_dict()[name], atol=1e-6), name
