"""Query tower: text (or given embedding), user context and engagement sequence → one unit vector per head."""
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from interactrank.masknet import TowerBody
from interactrank.presets import ModelConfig
from interactrank.sequence_embedder import SequenceEmbedder
from interactrank.text_embedding import TextEmbedding

SEQUENCE_INPUTS = ("sequence_content", "sequence_action", "sequence_age_seconds", "sequence_mask")


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
        width = query_dims + config.context_dims * len(vocabulary_sizes)
        width += self.sequence.out_dims if self.sequence else 0
        self.body = TowerBody(width, len(config.heads) * config.dims, config.query_tower)

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
        if self.sequence:
            columns = {name.removeprefix("sequence_"): inputs[name] for name in SEQUENCE_INPUTS}
            parts.append(self.sequence(**columns, query=query))
        vectors = self.body(torch.cat(parts, dim=-1))
        return normalize(vectors.view(-1, len(self.config.heads), self.config.dims), dim=-1)
