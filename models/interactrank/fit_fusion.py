"""Fits the fusion on frozen towers, with requests that the towers were not trained on.

Trained together, the fusion trusts the dot product too much: on its own training rows a tower remembers what it engaged with,
and the cross features look redundant. Requests after the training period show how far each of them can be trusted.
"""
import numpy as np
import torch
from torch import Tensor

from interactrank.dataset import Examples
from interactrank.losses import focal_loss, priority_weights
from interactrank.model import InteractRank
from interactrank.train import TrainOptions, drop_caller, head_priorities, item_vectors, query_inputs

STEPS = 600
BATCH_REQUESTS = 512
LEARNING_RATE = 5e-2


def fit_fusion(model: InteractRank, examples: Examples, item_inputs: dict[str, Tensor], options: TrainOptions) -> None:
    """Changes fusion and head biases, in place; a new fusion starts from the model's seed."""
    dots = tower_dots(model, examples, item_inputs)
    columns, labels = torch.from_numpy(examples.columns), torch.from_numpy(examples.labels)
    valid = torch.from_numpy((examples.item_row >= 0).astype(np.float32))
    optimizer = torch.optim.Adam([*model.fusion.parameters(), model.head_bias], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(options.seed)
    torch.manual_seed(options.seed)
    priorities = head_priorities(model)
    for _ in range(STEPS):
        some = torch.randint(0, len(examples), (min(BATCH_REQUESTS, len(examples)),), generator=generator)
        logits = model.head_logits(dots[some], drop_caller(model, columns[some], options.caller_dropout))
        loss = focal_loss(logits, labels[some], priority_weights(labels[some], priorities, valid[some]), options.gamma)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def tower_dots(model: InteractRank, examples: Examples, item_inputs: dict[str, Tensor], chunk: int = 512) -> Tensor:
    """[R, S, H]."""
    vectors, content = item_vectors(model, item_inputs)
    dots = []
    for start in range(0, len(examples), chunk):
        batch = np.arange(start, min(start + chunk, len(examples)))
        queries = model.query_tower(query_inputs(model, examples, batch, content))
        rows = torch.from_numpy(np.maximum(examples.item_row[batch], 0).astype(np.int64))
        dots.append(torch.einsum("rhd,rsd->rsh", queries, vectors[rows]))
    return torch.cat(dots)
