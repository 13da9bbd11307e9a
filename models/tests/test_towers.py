"""Towers on random tensors: shapes, unit length, masked padding, and the same numbers from ONNX."""
import numpy as np
import torch

from interactrank.item_tower import ItemTower
from interactrank.masknet import ParallelMaskNet
from interactrank.onnx_export import export_tower, run_onnx
from interactrank.presets import PAPER, SMOKE, ModelConfig, TowerConfig
from interactrank.text_embedding import TextEmbedding
from random_towers import query_inputs, query_tower


def item_tower(config: ModelConfig = SMOKE, **changes: int) -> ItemTower:
    torch.manual_seed(0)
    shape = {"categories": 7, "numeric": 2, "has_text": True, "given_content_dims": 0, **changes}
    return ItemTower(config, text=TextEmbedding(config.text), **shape).eval()


def item_inputs(config: ModelConfig, rows: int) -> dict[str, torch.Tensor]:
    def codes(limit: int, length: int) -> torch.Tensor:
        return torch.randint(0, limit, (rows, length), dtype=torch.int32)

    return {
        "title_ngrams": codes(config.text.buckets, config.text.title_length),
        "text_ngrams": codes(config.text.buckets, config.text.text_length),
        "category": codes(8, 1),
        "numeric": torch.randn(rows, 2),
        "content_embedding": torch.randn(rows, 12),
    }


def test_query_vectors_have_unit_length_in_every_head():
    vectors = query_tower()(query_inputs(SMOKE, 5))
    assert vectors.shape == (5, 3, 64)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(5, 3), atol=1e-5)


def test_padding_of_the_sequence_changes_nothing():
    tower, inputs = query_tower(), query_inputs(SMOKE, 4)
    noise = {name: value.clone() for name, value in inputs.items()}
    hidden = inputs["sequence_mask"] == 0
    noise["sequence_content"][hidden] = 7.0
    noise["sequence_age_seconds"][hidden] = 123456.0
    noise["sequence_action"][hidden] = 3
    assert torch.allclose(tower(inputs), tower(noise), atol=1e-6)


def test_an_empty_sequence_is_finite_and_differs_from_a_full_one():
    tower, inputs = query_tower(), query_inputs(SMOKE, 3)
    empty = {**inputs, "sequence_mask": torch.zeros_like(inputs["sequence_mask"])}
    assert torch.isfinite(tower(empty)).all()
    assert (tower(empty) - tower(inputs)).abs().max() > 1e-3


def test_the_age_of_an_event_matters():
    tower, inputs = query_tower(), query_inputs(SMOKE, 3)
    older = {**inputs, "sequence_age_seconds": inputs["sequence_age_seconds"] + 30 * 86400}
    assert (tower(older) - tower(inputs)).abs().max() > 1e-4


def test_without_the_sequence_the_tower_asks_for_no_sequence_input():
    assert not [name for name in query_tower(use_sequence=False).input_names() if name.startswith("sequence")]


def test_item_tower_passes_a_given_content_embedding_through():
    inputs = item_inputs(SMOKE, 4)
    vector, content = item_tower(given_content_dims=12)(inputs)
    assert vector.shape == (4, 64) and torch.equal(content, inputs["content_embedding"])


def test_item_tower_makes_a_content_embedding_where_none_is_given():
    vector, content = item_tower()(item_inputs(SMOKE, 4))
    assert content.shape == (4, SMOKE.content_dims)
    assert torch.allclose(vector.norm(dim=-1), torch.ones(4), atol=1e-5)


def test_masknet_concatenates_its_blocks():
    net = ParallelMaskNet(10, TowerConfig(block_dims=6, mask_ratio=0.5, hidden=(), blocks=4))
    assert net(torch.randn(3, 10)).shape == (3, 24)


def test_text_embedding_ignores_padding_and_weighs_rare_ngrams_more():
    text = TextEmbedding(SMOKE.text)
    short, padded = torch.tensor([[5, 9]], dtype=torch.int32), torch.tensor([[5, 9, 0, 0]], dtype=torch.int32)
    assert torch.allclose(text(short), text(padded))
    text.start_from_idf(np.array([[5, 9], [5, 0], [5, 5]], np.int32))
    assert text.weights[9] > text.weights[5]


def test_text_embedding_has_the_gradients_of_its_formula():
    text = TextEmbedding(SMOKE.text)
    torch.nn.init.normal_(text.weights)
    ngrams = torch.tensor([[5, 9, 5, 0], [0, 0, 0, 0], [7, 4095, 0, 0]], dtype=torch.int32)
    away = torch.randn(3, SMOKE.text.dims)
    (text(ngrams) * away).sum().backward()
    found = [text.vectors.grad.clone(), text.weights.grad.clone()]
    text.zero_grad()
    weights = torch.exp(text.weights[ngrams.long()]) * (ngrams > 0).unsqueeze(-1)
    mean = (text.vectors[ngrams.long()] * weights).sum(dim=1) / (weights.sum(dim=1) + 1e-6)
    (mean * away).sum().backward()
    for gradient, expected in zip(found, [text.vectors.grad, text.weights.grad], strict=True):
        assert torch.allclose(gradient, expected, atol=1e-6)


def test_the_paper_preset_has_the_published_size():
    tower = query_tower(PAPER)
    size = sum(p.numel() for name, p in tower.named_parameters() if not name.startswith("text."))
    assert size >= 11_800_000
    assert tower(query_inputs(PAPER, 2)).shape == (2, 3, 64)


def test_onnx_item_tower_agrees_with_pytorch(tmp_path):
    tower = item_tower()
    export_tower(tower, example=item_inputs(SMOKE, 2), outputs=["vector", "content"], path=tmp_path / "i.onnx")
    inputs = item_inputs(SMOKE, 9)
    outputs = run_onnx(tmp_path / "i.onnx", {name: value.numpy() for name, value in inputs.items()})
    for found, expected in zip(outputs, tower(inputs), strict=True):
        assert np.abs(found - expected.detach().numpy()).max() <= 1e-4
