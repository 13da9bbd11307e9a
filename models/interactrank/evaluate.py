"""The evaluation: every system ranks the same candidates of the same held-out requests."""
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interactrank.dataset import context_inputs, transform_columns
from interactrank.experiment import Experiment, column_positions
from interactrank.held_out import HeldOut
from interactrank.inputs import query_ngrams, sequence_inputs
from interactrank.metrics import Interval, request_metrics, summarise
from interactrank.model import InteractRank
from interactrank.sequences import Sequences
from interactrank.train import item_vectors

QueryFunction = Callable[[dict[str, Tensor]], Tensor]


def evaluate_scores(scores: np.ndarray, held: HeldOut) -> dict[str, Interval]:
    metrics = request_metrics(scores, held.gains, held.candidates.offsets)
    return summarise(metrics, held.frame["user"].to_numpy())


@torch.no_grad()
def model_scores(
    model: InteractRank, experiment: Experiment, held: HeldOut, *, hide_caller: bool = False, query_tower: QueryFunction | None = None
) -> np.ndarray:
    """float32 [N], with the default head weights. `query_tower`: another one than the model's own, such as int8."""
    vectors, content = item_vectors(model, experiment.item_inputs)
    run = query_tower or model.query_tower
    folded = model.fold(torch.cat([run(inputs) for inputs in query_tower_inputs(model, held, content)]))
    raw = held.raw.copy()
    if hide_caller:
        raw[:, raw.shape[1] - len(experiment.schema.caller) :] = np.nan
    columns = transform_columns(raw, experiment.schema)[:, column_positions(experiment.schema, model.system)]
    request = torch.from_numpy(held.candidates.request)
    item = torch.from_numpy(held.candidates.item_row.astype(np.int64))
    scores = []
    for some in torch.arange(len(item)).split(200_000):
        dots = (folded[request[some]] * vectors[item[some]]).sum(-1)
        scores.append(model.score(dots, torch.from_numpy(columns[some.numpy()])))
    return torch.cat(scores).numpy()


def query_tower_inputs(model: InteractRank, held: HeldOut, content: Tensor, chunk: int = 512) -> list[dict[str, Tensor]]:
    contexts = context_inputs(held.frame, model.schema)
    batches = []
    for start in range(0, len(held.frame), chunk):
        rows = slice(start, start + chunk)
        frame = held.frame.iloc[rows]
        inputs = {"query_ngrams": torch.from_numpy(query_ngrams(list(frame["query"]), model.config))}
        inputs |= {name: torch.from_numpy(codes[rows]) for name, codes in contexts.items()}
        if model.system.sequence:
            read = (rows, slice(0, model.config.sequence.length))
            sequences = Sequences(held.sequences.item_row[read], held.sequences.action[read], held.sequences.time_ms[read])
            inputs |= sequence_inputs(sequences, frame["time"].to_numpy(), content)
        batches.append(inputs)
    return batches
