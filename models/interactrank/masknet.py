"""Parallel MaskNet (Wang et al., DLP-KDD 2021): blocks that gate the same input with masks computed from it.

The input is already layer-normalised by the tower. Block: ReLU(LayerNorm(W(x ⊙ mask(x)))), mask(x) = W₂ ReLU(W₁ x).
"""
import torch
from torch import Tensor, nn

from interactrank.presets import TowerConfig


class MaskBlock(nn.Module):
    def __init__(self, width: int, config: TowerConfig):
        super().__init__()
        squeezed = max(8, int(width * config.mask_ratio))
        self.mask = nn.Sequential(nn.Linear(width, squeezed), nn.ReLU(), nn.Linear(squeezed, width))
        self.project = nn.Linear(width, config.block_dims, bias=False)
        self.norm = nn.LayerNorm(config.block_dims)
        self.dropout = nn.Dropout(config.dropout)
        # Masks start near one: the block begins as a plain dense layer and learns where to gate.
        nn.init.ones_(self.mask[2].bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(torch.relu(self.norm(self.project(x * self.mask(x)))))


class ParallelMaskNet(nn.Module):
    """[B, width] → [B, blocks × block_dims]."""

    def __init__(self, width: int, config: TowerConfig):
        super().__init__()
        self.blocks = nn.ModuleList(MaskBlock(width, config) for _ in range(config.blocks))
        self.out_dims = config.blocks * config.block_dims

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([block(x) for block in self.blocks], dim=-1)


class TowerBody(nn.Module):
    """LayerNorm → Parallel MaskNet → dense layers → linear: what both towers share. [B, width] → [B, out_dims]."""

    def __init__(self, width: int, out_dims: int, config: TowerConfig):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.masknet = ParallelMaskNet(width, config)
        layers: list[nn.Module] = []
        previous = self.masknet.out_dims
        for hidden in config.hidden:
            layers += [nn.Linear(previous, hidden), nn.ReLU()]
            previous = hidden
        self.dense = nn.Sequential(*layers, nn.Linear(previous, out_dims))

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.masknet(self.norm(x)))
