"""Everything an experiment on one log shares: the time split, feature indexes, schema and training examples."""
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from interactrank.counts import DAY_MS
from interactrank.dataset import Examples, Sampling, head_labels, make_examples, training_pairs
from interactrank.features import FeatureSource, feature_source, wanted_actions
from interactrank.inputs import item_inputs
from interactrank.learn_schema import learn_schema
from interactrank.logs import Log
from interactrank.logs.requests import Requests, group_requests
from interactrank.logs.tables import LogError
from interactrank.presets import ModelConfig
from interactrank.schema import Schema
from interactrank.sequences import SequenceIndex, index_sequences
from interactrank.systems import System


# Fewer validation requests than this cannot fit a fusion; training requests do it then.
VALIDATION_MIN = 300


@dataclass(frozen=True)
class Split:
    """Training requests come before `validation_ms`, validation ones before `test_ms`, held-out ones after it."""

    validation_ms: int
    test_ms: int


@dataclass(frozen=True)
class DataOptions:
    """`requests_max`: training requests with an engagement, drawn at random where there are more."""

    requests_max: int = 60_000
    slots: int = 40
    test_share: float = 0.1
    validation_share: float = 0.05
    sampling: Sampling = Sampling()
    seed: int = 0


@dataclass(frozen=True)
class Experiment:
    """`notices`: what a user should know of how the log was split."""

    config: ModelConfig
    log: Log
    split: Split
    grouped: Requests
    engaged: np.ndarray
    source: FeatureSource
    sequences: SequenceIndex
    schema: Schema
    examples: Examples
    validation: Examples
    item_inputs: dict[str, Tensor]
    notices: tuple[str, ...]


def prepare(log: Log, config: ModelConfig, options: DataOptions) -> Experiment:
    split = split_times(log, options)
    grouped = group_requests(log)
    if not wanted_actions(log):
        raise LogError(f"the log has no engagement besides short clicks; expected some of {', '.join(log.actions[1:])}")
    source = feature_source(log)
    labels = head_labels(grouped.rows, ("engagement",), wanted_actions(log))[:, 0]
    engaged = np.bincount(grouped.rows["request"][labels], minlength=len(grouped.requests)) > 0
    time = grouped.requests["time"].to_numpy()
    chosen = _at_most(np.flatnonzero(engaged & (time < split.validation_ms)), options)
    if not len(chosen):
        raise LogError("no request with an engagement lies before the validation period; expected a longer log")
    pairs = training_pairs(source, grouped, chosen, config.heads, options.sampling)
    schema = learn_schema(log, config, columns=source.columns, raw=pairs.raw, before_ms=split.validation_ms)
    sequences = index_sequences(log)
    shape = {"schema": schema, "config": config, "sequences": sequences, "items": len(log.items), "slots": options.slots}
    examples = make_examples(pairs, **shape)
    later = np.flatnonzero(engaged & (time >= split.validation_ms) & (time < split.test_ms))
    enough = len(later) >= VALIDATION_MIN
    later_pairs = training_pairs(source, grouped, _at_most(later, options), config.heads, options.sampling) if enough else None
    validation = make_examples(later_pairs, **shape) if later_pairs else examples
    inputs = {name: torch.from_numpy(values) for name, values in item_inputs(log, schema, config).items()}
    few = f"{len(later)} validation requests, fewer than {VALIDATION_MIN}: the fusion is fitted on training requests"
    notices = () if enough else (few,)
    return Experiment(config, log, split, grouped, engaged, source, sequences, schema, examples, validation, inputs, notices)


def _at_most(requests: np.ndarray, options: DataOptions) -> np.ndarray:
    if len(requests) <= options.requests_max:
        return requests
    return np.sort(np.random.default_rng(options.seed).choice(requests, options.requests_max, replace=False))


def split_times(log: Log, options: DataOptions) -> Split:
    """By time, at 00:00 UTC where the log is long enough for whole days, so that held-out counts are those of a daily build."""
    time = log.events["time"].to_numpy()
    first, last = int(time[0]), int(time[-1])
    test = int(np.quantile(time, 1 - options.test_share))
    validation = int(np.quantile(time, 1 - options.test_share - options.validation_share))
    if last - first >= 20 * DAY_MS:
        test, validation = test // DAY_MS * DAY_MS, validation // DAY_MS * DAY_MS
    if not first < validation <= test <= last:
        raise LogError(f"the log spans {last - first} ms; expected enough time to hold out its end, so add events")
    return Split(validation, test)


def column_positions(schema: Schema, system: System) -> list[int]:
    """Which of all columns the fusion of a system reads."""
    cross, scalars, caller = len(schema.cross), len(schema.scalars), len(schema.caller)
    positions = list(range(cross)) if system.cross else []
    positions += range(cross, cross + scalars)
    return positions + (list(range(cross + scalars, cross + scalars + caller)) if system.caller else [])


def columns_for(experiment: Experiment, examples: Examples, system: System) -> Examples:
    """The same examples with the columns that the system's fusion reads."""
    positions = column_positions(experiment.schema, system)
    return replace(examples, columns=np.ascontiguousarray(examples.columns[..., positions]))


def schema_for(experiment: Experiment, system: System) -> Schema:
    return experiment.schema.without(cross=not system.cross, caller=not system.caller)
