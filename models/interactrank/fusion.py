"""Fusion of dot product, cross features, item scalars and caller columns into one score (docs/formats.md §9).

Feature order is the manifest's: [dot, cross…, scalars…, caller…], every one but the dot already transformed.
"""
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


class LinearFusion(nn.Module):
    """The paper's: one linear layer; the weight of the dot goes through softplus, so it cannot turn negative."""

    kind = "linear"

    def __init__(self, features: int, dot_weight: float = 2.0):
        super().__init__()
        self.dot = nn.Parameter(torch.tensor(dot_weight))
        self.others = nn.Parameter(torch.zeros(features - 1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """[…, features] → […]."""
        return features[..., 0] * softplus(self.dot) + features[..., 1:] @ self.others + self.bias

    def to_manifest(self) -> dict:
        weights = torch.cat([softplus(self.dot).reshape(1), self.others]).detach().tolist()
        return {"kind": "linear", "weights": weights, "bias": self.bias.item()}


class MlpFusion(nn.Module):
    """Ours: dense layers with ReLU. Starts as a wide approximation of the linear one (dot positive in every unit)."""

    kind = "mlp"

    def __init__(self, features: int, hidden: tuple[int, ...] = (16,), dot_weight: float = 2.0):
        super().__init__()
        widths = [features, *hidden, 1]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        with torch.no_grad():
            first, last = self.layers[0], self.layers[-1]
            first.weight[:, 0] = dot_weight**0.5 * torch.linspace(0.5, 1.5, hidden[0])
            last.weight.fill_(dot_weight**0.5 / hidden[-1])

    def forward(self, features: Tensor) -> Tensor:
        """[…, features] → […]."""
        x = features
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x).squeeze(-1)

    def to_manifest(self) -> dict:
        layers = [
            {"weights": layer.weight.detach().reshape(-1).tolist(), "bias": layer.bias.detach().tolist()}
            for layer in self.layers
        ]
        return {"kind": "mlp", "layers": layers}


def make_fusion(kind: str, features: int, hidden: tuple[int, ...]) -> LinearFusion | MlpFusion:
    return LinearFusion(features) if kind == "linear" else MlpFusion(features, hidden)
