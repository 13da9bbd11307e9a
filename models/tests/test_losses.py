"""Losses against values worked out by hand."""
import math

import torch

from interactrank.losses import focal_loss, priority_weights, sampled_softmax


def test_focal_loss_without_gamma_is_cross_entropy():
    logits, labels, weights = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 0.0]), torch.ones(2)
    expected = (math.log(2) + math.log1p(math.exp(2))) / 2
    assert abs(focal_loss(logits, labels, weights, 0.0).item() - expected) < 1e-6


def test_focal_loss_forgives_what_is_already_right():
    logits, labels = torch.tensor([4.0, 0.0]), torch.tensor([1.0, 1.0])
    easy, hard = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert focal_loss(logits, labels, easy, 2.0) < 1e-5
    assert abs(focal_loss(logits, labels, hard, 2.0).item() - math.log(2) / 4) < 1e-6


def test_priority_weights_count_positives_by_head_and_drop_padding():
    labels = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    weights = priority_weights(labels, torch.tensor([3.0, 5.0]), torch.tensor([[1.0, 0.0]]))
    assert weights.tolist() == [[[3.0, 1.0], [0.0, 0.0]]]


def softmax_loss(engaged: list[list[bool]], log_q: list[float]) -> float:
    items = torch.eye(3)
    return sampled_softmax(
        queries=items[: len(engaged)], items=items, engaged=torch.tensor(engaged), log_q=torch.tensor(log_q), temperature=1.0
    ).item()


def test_sampled_softmax_prefers_the_engaged_item():
    expected = math.log(math.e + 2) - 1
    assert abs(softmax_loss([[True, False, False]], [0.0, 0.0, 0.0]) - expected) < 1e-6


def test_sampled_softmax_corrects_for_popular_negatives():
    often, rarely = softmax_loss([[True, False, False]], [0, 2.0, 0]), softmax_loss([[True, False, False]], [0, -2.0, 0])
    assert often < rarely


def test_sampled_softmax_masks_the_other_engagements_of_the_request():
    expected = math.log(math.e + 1) - 1, math.log(1 + 1)
    assert abs(softmax_loss([[True, True, False]], [0, 0, 0]) - sum(expected) / 2) < 1e-6


def test_sampled_softmax_without_engagements_is_zero():
    assert softmax_loss([[False, False, False]], [0, 0, 0]) == 0.0
