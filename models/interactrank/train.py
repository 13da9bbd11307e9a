"""Training: request-grouped batches, per-head focal loss plus in-batch sampled softmax, checkpoints that resume exactly."""
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from interactrank.dataset import Examples
from interactrank.inputs import sequence_inputs, take_sequences
from interactrank.losses import focal_loss, priority_weights, sampled_softmax
from interactrank.model import InteractRank


@dataclass(frozen=True)
class TrainOptions:
    epochs: int = 2
    batch_requests: int = 64
    learning_rate: float = 3e-3
    fusion_speedup: float = 10.0
    text_speedup: float = 8.0
    gamma: float = 2.0
    softmax_weight: float = 1.0
    temperature: float = 0.07
    caller_dropout: float = 0.3
    seed: int = 0


# A save says more than a click; weights of positives by head.
HEAD_PRIORITY = {"engagement": 2.0, "long_click": 3.0, "save": 4.0}


@dataclass
class Trainer:
    """Owns what changes while training; everything that a checkpoint holds."""

    model: InteractRank
    optimizer: torch.optim.Optimizer
    step: int = 0


def train(
    model: InteractRank, examples: Examples, item_inputs: dict[str, Tensor], options: TrainOptions,
    *, checkpoint: Path | None = None, line: int | None = 0,
) -> list[float]:
    """Trains in place; returns the mean loss of every epoch. Resumes from `checkpoint` where the file exists.
    `line`: where the progress bar stands; None shows none."""
    steps = max(1, -(-len(examples) // options.batch_requests))
    trainer = Trainer(model, make_optimizer(model, options))
    losses: list[float] = []
    if checkpoint and checkpoint.exists():
        losses = _restore(trainer, checkpoint)
    for epoch in range(len(losses), options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)
        losses.append(_epoch(trainer, examples, item_inputs, options, epoch, steps, line))
        if checkpoint:
            _save(trainer, losses, checkpoint)
    model.eval()
    return losses


def make_optimizer(model: InteractRank, options: TrainOptions) -> torch.optim.Optimizer:
    """Fusion and biases are a few dozen numbers that have to travel far while the towers change little in each step: at the
    towers' rate they never arrive, and the cross features stay unused. An n-gram's vector moves only when a text has it."""
    fusion = [*model.fusion.parameters(), model.head_bias]
    known = {id(parameter) for parameter in [*fusion, *model.text.parameters()]}
    towers = [parameter for parameter in model.parameters() if id(parameter) not in known]
    groups = [
        {"params": towers, "speedup": 1.0},
        {"params": list(model.text.parameters()), "speedup": options.text_speedup},
        {"params": fusion, "speedup": options.fusion_speedup},
    ]
    return torch.optim.Adam(groups, lr=options.learning_rate, fused=True)


def _epoch(
    trainer: Trainer, examples: Examples, item_inputs: dict[str, Tensor], options: TrainOptions, epoch: int, steps: int,
    line: int | None,
) -> float:
    model = trainer.model
    order = np.random.default_rng((options.seed, epoch)).permutation(len(examples))
    rate = _schedule(options.learning_rate, steps * options.epochs)
    total = 0.0
    title = f"{model.system.title}, epoch {epoch + 1}/{options.epochs}"
    model.train()
    bar = tqdm(np.array_split(order, steps), desc=title, position=line, disable=line is None, leave=False)
    for number, batch in enumerate(bar):
        for group in trainer.optimizer.param_groups:
            group["lr"] = rate(trainer.step) * group["speedup"]
        loss = batch_loss(model, examples, batch, item_inputs, options)
        trainer.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        trainer.optimizer.step()
        trainer.step += 1
        total += loss.item()
        bar.set_postfix(loss=f"{total / (number + 1):.4f}")
    return total / steps


def batch_loss(
    model: InteractRank, examples: Examples, batch: np.ndarray, item_inputs: dict[str, Tensor], options: TrainOptions
) -> Tensor:
    """`batch`: request numbers."""
    slots = examples.item_row[batch]
    # Padding repeats the request's first item, which it always has: any other row would become a negative of every batch.
    unique, inverse = np.unique(np.where(slots >= 0, slots, slots[:, :1]), return_inverse=True)
    inverse = torch.from_numpy(inverse.reshape(slots.shape))
    rows = torch.from_numpy(unique.astype(np.int64))
    items, _ = model.item_tower({name: value[rows] for name, value in item_inputs.items()})
    queries = model.query_tower(training_query_inputs(model, examples, batch, item_inputs))
    valid = torch.from_numpy((slots >= 0).astype(np.float32))
    labels = torch.from_numpy(examples.labels[batch])
    columns = drop_caller(model, torch.from_numpy(examples.columns[batch]), options.caller_dropout)
    dots = torch.einsum("rhd,rsd->rsh", queries, items[inverse])
    weights = priority_weights(labels, head_priorities(model), valid)
    loss = focal_loss(model.head_logits(dots, columns), labels, weights, options.gamma)
    engaged = torch.zeros(len(batch), len(unique)).scatter_add(1, inverse, labels[:, :, 0] * valid) > 0
    softmax = sampled_softmax(
        queries=model.fold(queries), items=items, engaged=engaged, log_q=torch.from_numpy(examples.log_q[unique]),
        temperature=options.temperature,
    )
    return loss + options.softmax_weight * softmax


def head_priorities(model: InteractRank) -> Tensor:
    return torch.tensor([HEAD_PRIORITY.get(head, 2.0) for head in model.config.heads])


def training_query_inputs(
    model: InteractRank, examples: Examples, batch: np.ndarray, item_inputs: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Content embeddings of the batch's own sequences, made on the way: what an engagement meant is learned from both ends."""
    inputs = plain_query_inputs(examples, batch)
    if not model.system.sequence:
        return inputs
    sequences = take_sequences(examples.sequences, batch)
    unique, inverse = np.unique(np.maximum(sequences.item_row, 0), return_inverse=True)
    some = {name: value[torch.from_numpy(unique.astype(np.int64))] for name, value in item_inputs.items()}
    content = model.item_tower.content_of(some, model.item_tower.describe(some))
    local = np.where(sequences.item_row >= 0, inverse.reshape(sequences.item_row.shape), -1)
    return inputs | sequence_inputs(replace(sequences, item_row=local), examples.time_ms[batch], content)


def query_inputs(model: InteractRank, examples: Examples, batch: np.ndarray, content: Tensor) -> dict[str, Tensor]:
    """`content` [M, C] of all items."""
    inputs = plain_query_inputs(examples, batch)
    if model.system.sequence:
        inputs |= sequence_inputs(take_sequences(examples.sequences, batch), examples.time_ms[batch], content)
    return inputs


def plain_query_inputs(examples: Examples, batch: np.ndarray) -> dict[str, Tensor]:
    """Everything but the sequence."""
    inputs = {"query_ngrams": torch.from_numpy(examples.query_ngrams[examples.query[batch]])}
    return inputs | {name: torch.from_numpy(codes[batch]) for name, codes in examples.contexts.items()}


def drop_caller(model: InteractRank, columns: Tensor, share: float) -> Tensor:
    """columns [R, S, K]: hides the caller columns of some requests, so that the model also ranks without them."""
    callers = len(model.schema.caller)
    if not callers or not share:
        return columns
    missing = torch.tensor([caller.transform.missing for caller in model.schema.caller])
    hidden = (torch.rand(len(columns)) < share).reshape(-1, 1, 1)
    return torch.cat([columns[..., :-callers], torch.where(hidden, missing, columns[..., -callers:])], dim=-1)


@torch.no_grad()
def item_vectors(model: InteractRank, item_inputs: dict[str, Tensor], chunk: int = 8192) -> tuple[Tensor, Tensor]:
    """Of all M items: vectors [M, D] and content embeddings [M, C]."""
    model.eval()
    count = len(item_inputs["title_ngrams"])
    parts = [
        model.item_tower({name: value[start : start + chunk] for name, value in item_inputs.items()})
        for start in range(0, count, chunk)
    ]
    return torch.cat([vector for vector, _ in parts]), torch.cat([content for _, content in parts])


def _schedule(peak: float, steps: int, warmup_share: float = 0.05) -> Callable[[int], float]:
    """Linear warm-up, then a cosine down to a fiftieth."""
    warmup = max(1, int(steps * warmup_share))

    def rate(step: int) -> float:
        if step < warmup:
            return peak * (step + 1) / warmup
        done = (step - warmup) / max(1, steps - warmup)
        return peak * (0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * done))))

    return rate


def _save(trainer: Trainer, losses: list[float], path: Path) -> None:
    """Written beside and renamed: a stop in the middle leaves the last whole checkpoint."""
    state = {
        "model": trainer.model.state_dict(), "optimizer": trainer.optimizer.state_dict(), "step": trainer.step, "losses": losses
    }
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def _restore(trainer: Trainer, path: Path) -> list[float]:
    state = torch.load(path, weights_only=True)
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.step = state["step"]
    return state["losses"]
