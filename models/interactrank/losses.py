"""Losses: focal loss per head with label-priority weights, and in-batch sampled softmax with logQ correction."""
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


def focal_loss(logits: Tensor, labels: Tensor, weights: Tensor, gamma: float) -> Tensor:
    """Lin et al. 2017: (1 − p_t)^γ · BCE, weighted mean. γ = 0 is plain binary cross-entropy. All of one shape."""
    entropy = binary_cross_entropy_with_logits(logits, labels, reduction="none")
    if gamma:
        entropy = entropy * (1.0 - torch.exp(-entropy)) ** gamma
    return (entropy * weights).sum() / weights.sum().clamp(min=1e-6)


def priority_weights(labels: Tensor, head_priorities: Tensor, valid: Tensor) -> Tensor:
    """labels [R, S, H], priorities [H], valid [R, S]: a positive counts its head's priority, a negative one."""
    return (1.0 + labels * (head_priorities - 1.0)) * valid.unsqueeze(-1)


def sampled_softmax(*, queries: Tensor, items: Tensor, engaged: Tensor, log_q: Tensor, temperature: float) -> Tensor:
    """
    In-batch softmax over the batch's distinct items (duplicates already merged), one loss term per engaged pair.

    queries [R, D], items [U, D], engaged bool [R, U], log_q [U] = log of the probability that sampling brings the item
    into a batch: popular items are negatives too often, and subtracting it corrects for that (Yi et al. 2019).
    An item the same request engaged with is an accidental hit and is no negative of the other positive.
    """
    pairs = engaged.nonzero()
    if not len(pairs):
        return queries.sum() * 0.0
    rows, targets = pairs[:, 0], pairs[:, 1]
    logits = (queries @ items.T / temperature - log_q)[rows]
    accidental = engaged[rows].clone()
    accidental[torch.arange(len(rows)), targets] = False
    return cross_entropy(logits.masked_fill(accidental, -1e4), targets)
