"""Query tower: text (or given embedding), user context and engagement sequence → one unit vector per head."""
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from interactrank.masknet import TowerBody
from interactrank.presets import ModelConfig
from interactrank.sequence_embedder import SequenceEmbedder
from interactrank.text_embedding import TextEmbedding

SEQUENCE_INPUTS = ("sequence_content", "sequence_action", "sequence_age_seconds", "sequence_mask")

# Sequence elements are layer-normalised, ten times the size of a text's mean of n-grams: beside it they enter the body smaller.
GAIN = 0.1


class QueryTower(nn.Module):
    """`vocabulary_sizes`: size of each user-context vocabulary, without the unknown; `use_sequence` is the ablation switch."""

    def __init__(
        self, config: ModelConfig, *, text: TextEmbedding, vocabulary_sizes: dict[str, int], actions: int, use_sequence: bool
    ):
        super().__init__()
        self.config, self.text = config, text
        self.context = nn.ModuleDict(
            {name: nn.Embedding(size + 1, config.context_dims) for name, size in vocabulary_sizes.items()}
        )
        query_dims = config.text.dims
        if config.query_embedding_dims:
            self.given = nn.Linear(config.query_embedding_dims, query_dims)
        self.sequence = (
            SequenceEmbedder(
                content_dims=config.content_dims, query_dims=query_dims, actions=actions, config=config.sequence
            )
            if use_sequence
            else None
        )
        # Texts start small, as means of many n-grams; beside them tables of unit variance would drown what was typed.
        for table in self.context.values():
            nn.init.normal_(table.weight, std=0.2)
        width = query_dims + config.context_dims * len(vocabulary_sizes)
        width += self.sequence.out_dims if self.sequence else 0
        out_dims = len(config.heads) * config.dims
        self.body = TowerBody(width, out_dims, config.query_tower)
        if self.sequence:
            # The straight way from past items to scores; the item tower has its other half. Zero: no noise at the start.
            self.taste = nn.Linear(self.sequence.out_dims, out_dims, bias=False)
            nn.init.zeros_(self.taste.weight)

    def input_names(self) -> list[str]:
        """Order of the ONNX inputs."""
        given = ["query_embedding", "query_embedding_present"] if self.config.query_embedding_dims else []
        return ["query_ngrams", *given, *self.context, *(SEQUENCE_INPUTS if self.sequence else ())]

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """query_ngrams int32 [B, n]; each context int32 [B, 1]; sequence_* as SequenceEmbedder → float32 [B, H, D]."""
        query = self.text(inputs["query_ngrams"])
        if self.config.query_embedding_dims:
            query = query + self.given(inputs["query_embedding"]) * inputs["query_embedding_present"]
        parts = [query, *(table(inputs[name]).squeeze(1) for name, table in self.context.items())]
        if self.sequence is None:
            vectors = self.body(torch.cat(parts, dim=-1))
        else:
            columns = {name.removeprefix("sequence_"): inputs[name] for name in SEQUENCE_INPUTS}
            past = self.sequence(**columns, query=query)
            vectors = self.body(torch.cat([*parts, GAIN * past], dim=-1)) + self.taste(past)
        return normalize(vectors.view(-1, len(self.config.heads), self.config.dims), dim=-1)
