"""Fusion and transforms: the manifest's numbers give the same scores as the modules."""
import numpy as np
import pytest
import torch

from interactrank.fusion import make_fusion
from interactrank.fitting import fit_number, fit_ratio


def test_linear_fusion_keeps_the_weight_of_the_dot_positive():
    fusion = make_fusion("linear", 3, ())
    with torch.no_grad():
        fusion.dot.fill_(-5.0)
    assert fusion.to_manifest()["weights"][0] > 0


def test_linear_manifest_scores_like_the_module():
    fusion = make_fusion("linear", 3, ())
    torch.nn.init.normal_(fusion.others)
    features, manifest = torch.randn(7, 3), fusion.to_manifest()
    expected = features.numpy() @ np.array(manifest["weights"]) + manifest["bias"]
    assert np.allclose(fusion(features).detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("hidden", [(16,), (8, 4)])
def test_mlp_manifest_scores_like_the_module(hidden):
    fusion = make_fusion("mlp", 5, hidden)
    features = torch.randn(9, 5)
    x = features.numpy().astype(float)
    layers = fusion.to_manifest()["layers"]
    for index, layer in enumerate(layers):
        x = x @ np.array(layer["weights"]).reshape(len(layer["bias"]), -1).T + np.array(layer["bias"])
        x = np.maximum(x, 0) if index < len(layers) - 1 else x
    assert np.allclose(fusion(features).detach().numpy(), x[:, 0], atol=1e-4)


def test_ratio_transform_brings_tiny_ratios_to_unit_scale():
    raw = np.array([np.nan, 0.0, 1e-5, 2e-5, 4e-5, 0.0])
    transform = fit_ratio(raw)
    values = transform.apply(raw)
    assert transform.scale == pytest.approx(10 / 2e-5)
    assert values[0] == 0.0 and abs(values[1:].mean()) < 1e-6 and abs(values[1:].std() - 1) < 1e-6


def test_number_transform_survives_a_constant_and_an_empty_column():
    assert fit_number(np.full(4, 3.0)).apply(np.array([3.0]))[0] == 0.0
    assert fit_number(np.full(4, np.nan)).apply(np.array([np.nan]))[0] == 0.0
