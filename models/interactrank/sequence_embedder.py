"""The user's recent engagements as one vector: design §1.

Element = content of the item + action + relative age. Two readers run side by side and are summed: learned weighted
pooling (one scalar per position) and cross-attention with the query as the question. Padding is masked in both.
"""
import math

import torch
from torch import Tensor, nn

from interactrank.presets import SequenceConfig

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
# Ages reach from seconds to years: periods on a log scale, plus the log-age itself.
PERIODS_SECONDS = (HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 365 * DAY)
AGE_MAX_SECONDS = 10 * 365 * DAY


class RelativeAge(nn.Module):
    """float32 [B, L] seconds → [B, L, dims]: log-age, decays and cosines at fixed periods, then a linear layer."""

    def __init__(self, dims: int):
        super().__init__()
        self.register_buffer("rates", 1.0 / torch.tensor(PERIODS_SECONDS), persistent=False)
        self.project = nn.Linear(2 * len(PERIODS_SECONDS) + 1, dims)

    def forward(self, age_seconds: Tensor) -> Tensor:
        age = age_seconds.clamp(min=0.0, max=AGE_MAX_SECONDS).unsqueeze(-1)
        turns = age * self.rates
        # The cosine sees log1p of the turns: a raw phase of a year-old event under a one-hour period is noise.
        features = torch.cat([torch.log1p(age / MINUTE) / 8.0, torch.exp(-turns), torch.cos(math.pi * torch.log1p(turns))], -1)
        return self.project(features)


class SequenceEmbedder(nn.Module):
    def __init__(self, *, content_dims: int, query_dims: int, actions: int, config: SequenceConfig):
        super().__init__()
        dims = config.attention_dims
        self.content = nn.Linear(content_dims, dims)
        self.action = nn.Embedding(actions + 1, dims, padding_idx=0)
        self.age = RelativeAge(dims)
        self.norm = nn.LayerNorm(dims)
        self.position = nn.Parameter(torch.full((config.length,), 1.0))
        self.question = nn.Linear(query_dims, dims)
        self.key = nn.Linear(dims, dims, bias=False)
        self.value = nn.Linear(dims, dims)
        self.scale = dims**-0.5
        self.out_dims = dims
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """What was engaged with speaks first, action and age modulate it; and the newest events speak loudest."""
        self.content.weight.normal_()
        self.action.weight.mul_(0.1)
        self.age.project.weight.mul_(0.3)
        self.position.copy_(0.1 + torch.exp(-torch.arange(len(self.position)) / 8.0))

    def forward(self, *, content: Tensor, action: Tensor, age_seconds: Tensor, mask: Tensor, query: Tensor) -> Tensor:
        """content [B, L, C], action int32 [B, L], age_seconds [B, L], mask [B, L] (1 = event), query [B, Q] → [B, dims]."""
        elements = self.norm(self.content(content) + self.action(action) + self.age(age_seconds))
        weights = self.position * mask
        pooled = (elements * weights.unsqueeze(-1)).sum(1) / (mask.sum(1, keepdim=True) + 1.0)
        logits = (self.key(elements) * self.question(query).unsqueeze(1)).sum(-1) * self.scale
        # −1e4 and not −inf: a row without any event must stay finite; its attention is multiplied away below.
        attention = torch.softmax(logits + (mask - 1.0) * 1e4, dim=1) * mask
        attended = (self.value(elements) * attention.unsqueeze(-1)).sum(1)
        return pooled + attended
