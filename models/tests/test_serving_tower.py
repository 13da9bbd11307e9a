"""The exported query tower: the trained one's numbers, whatever the batch; and its int8 variant."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from interactrank.onnx_export import export_tower, run_onnx
from interactrank.presets import SMOKE, TextConfig, TowerConfig
from interactrank.quantise import quantise, quantise_columns
from interactrank.query_tower import QueryTower
from interactrank.serving_tower import ServingTower
from random_towers import query_inputs, query_tower

# Layers large enough to be quantised, unlike those of the smoke preset; the content projection is one of them.
WIDE = replace(SMOKE, query_tower=TowerConfig(block_dims=512, mask_ratio=0.5, hidden=(256,)), content_dims=2048)


def trained(tower: QueryTower) -> QueryTower:
    """With n-gram weights and biases that are not all alike, as training leaves them."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for values in tower.parameters():
            values += 0.1 * torch.randn(values.shape, generator=generator)
    return tower


def edge_cases(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The first row has no text, no context and no sequence, the second very old events, the third padding within the text."""
    inputs["query_ngrams"][0] = 0
    inputs["sequence_mask"][0] = 0
    inputs["sequence_age_seconds"][1] = 1e12
    inputs["query_ngrams"][2, ::2] = 0
    for name in ("country", "gender", "device", "language"):
        inputs[name][0] = 0
    return inputs


def export(tower: QueryTower, inputs: dict[str, Tensor], directory: Path) -> Path:
    path = directory / "query_tower.onnx"
    export_tower(ServingTower(tower), example=inputs, outputs=["vectors"], path=path)
    return path


def run(path: Path, inputs: dict[str, Tensor]) -> np.ndarray:
    return run_onnx(path, {name: value.numpy() for name, value in inputs.items()})[0]


def row_by_row(path: Path, inputs: dict[str, Tensor]) -> np.ndarray:
    rows = len(inputs["query_ngrams"])
    return np.concatenate([run(path, {name: value[row : row + 1] for name, value in inputs.items()}) for row in range(rows)])


@pytest.mark.parametrize("parts", [{}, {"use_sequence": False}, {"use_context": False}])
def test_the_serving_tower_is_the_trained_tower(parts):
    tower, inputs = trained(query_tower(**parts)), edge_cases(query_inputs(SMOKE, 9))
    assert (ServingTower(tower)(inputs) - tower(inputs)).abs().max() < 1e-5


def test_a_given_query_embedding_joins_the_text():
    tower = trained(query_tower(replace(SMOKE, query_embedding_dims=6)))
    inputs = query_inputs(SMOKE, 5)
    inputs |= {"query_embedding": torch.randn(5, 6), "query_embedding_present": torch.tensor([[1.0], [0.0], [1.0], [1.0], [0.0]])}
    assert (ServingTower(tower)(inputs) - tower(inputs)).abs().max() < 1e-5


@pytest.mark.parametrize("rows", [3, 7])
def test_onnx_agrees_with_pytorch_alone_and_in_a_batch(tmp_path, rows):
    tower, inputs = trained(query_tower()), edge_cases(query_inputs(SMOKE, rows))
    path = export(tower, inputs, tmp_path)
    expected = tower(inputs).detach().numpy()
    assert np.abs(run(path, inputs) - expected).max() <= 1e-4
    assert np.abs(row_by_row(path, inputs) - expected).max() <= 1e-4


def test_an_int8_row_does_not_depend_on_its_neighbours(tmp_path):
    tower, inputs = trained(query_tower(WIDE)), edge_cases(query_inputs(WIDE, 16))
    path, int8 = export(tower, inputs, tmp_path), tmp_path / "query_tower.int8.onnx"
    quantise(path, int8)
    alone = row_by_row(int8, inputs)
    assert np.abs(run(int8, inputs) - alone).max() < 1e-4
    # Neighbours of quite another size take nothing from it either.
    loud = {name: value.clone() for name, value in inputs.items()}
    loud["sequence_content"][1:] *= 1000
    assert np.abs(run(int8, loud)[0] - alone[0]).max() < 1e-4


def test_int8_keeps_the_direction_and_is_smaller(tmp_path):
    tower, inputs = trained(query_tower(WIDE)), edge_cases(query_inputs(WIDE, 16))
    path, int8 = export(tower, inputs, tmp_path), tmp_path / "query_tower.int8.onnx"
    quantise(path, int8)
    assert (run(int8, inputs) * tower(inputs).detach().numpy()).sum(-1).min() > 0.99
    assert int8.stat().st_size < 0.5 * path.stat().st_size


def test_a_table_of_another_width_than_a_power_of_two_stays_float32(tmp_path):
    config = replace(SMOKE, text=TextConfig(**{**vars(SMOKE.text), "dims": 24}))
    tower, inputs = trained(query_tower(config)), query_inputs(config, 4)
    path, int8 = export(tower, inputs, tmp_path), tmp_path / "query_tower.int8.onnx"
    quantise(path, int8)
    assert np.abs(run(int8, inputs) - run(path, inputs)).max() < 0.02


def test_columns_quantise_within_half_a_step():
    weights = np.random.default_rng(0).standard_normal((40, 7)).astype(np.float32)
    weights[:, 3] = 0
    codes, scales = quantise_columns(weights)
    assert (np.abs(codes * scales - weights) <= scales / 2 + 1e-7).all()
