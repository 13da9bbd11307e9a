"""InteractRank: two towers that meet in a dot product, fused with cross features, item scalars and caller columns."""
import torch
from torch import Tensor, nn

from interactrank.fusion import make_fusion
from interactrank.item_tower import ItemTower
from interactrank.presets import ModelConfig
from interactrank.query_tower import QueryTower
from interactrank.schema import Schema
from interactrank.systems import System
from interactrank.text_embedding import TextEmbedding


class InteractRank(nn.Module):
    """`system` says which parts this one has; `schema` must hold exactly the columns that its fusion reads."""

    def __init__(self, config: ModelConfig, schema: Schema, system: System):
        super().__init__()
        self.config, self.schema, self.system = config, schema, system
        self.text = TextEmbedding(config.text)
        sizes = {name: len(values) for name, values in schema.contexts.items()}
        self.query_tower = QueryTower(
            config, text=self.text, vocabulary_sizes=sizes, actions=max(schema.actions.values()), use_sequence=system.sequence
        )
        self.item_tower = ItemTower(
            config, text=self.text, categories=len(schema.categories), numeric=len(schema.numeric),
            has_text=schema.has_text, given_content_dims=schema.content_dims if schema.content_column else 0,
        )
        width = 1 + len(schema.cross) + len(schema.scalars) + len(schema.caller)
        self.fusion = make_fusion(system.fusion, width, config.fusion_hidden)
        self.head_bias = nn.Parameter(torch.full((len(config.heads),), -2.0))
        self.register_buffer("default_weights", torch.tensor(config.head_weights) / sum(config.head_weights))

    def fold(self, vectors: Tensor, head_weights: Tensor | None = None) -> Tensor:
        """vectors [B, H, D], head_weights [B, H] → [B, D]: the one query vector that serving multiplies with."""
        weights = self.default_weights.expand(vectors.shape[0], -1) if head_weights is None else head_weights
        weights = weights / weights.sum(dim=1, keepdim=True)
        return (vectors * weights.unsqueeze(-1)).sum(dim=1)

    def score(self, dots: Tensor, columns: Tensor) -> Tensor:
        """dots […], columns […, K] (transformed, in manifest order) → […]."""
        return self.fusion(torch.cat([dots.unsqueeze(-1), columns], dim=-1))

    def head_logits(self, dots: Tensor, columns: Tensor) -> Tensor:
        """dots [R, S, H], columns [R, S, K] → [R, S, H]: the shared fusion on each head's own dot, plus the head's bias."""
        spread = columns.unsqueeze(2).expand(-1, -1, dots.shape[2], -1)
        return self.score(dots, spread) + self.head_bias
