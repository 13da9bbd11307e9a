"""Query towers with random weights, and random inputs for them."""
import torch

from interactrank.presets import SMOKE, ModelConfig
from interactrank.query_tower import QueryTower
from interactrank.text_embedding import TextEmbedding

VOCABULARIES = {"country": 5, "gender": 2, "device": 3, "language": 4}


def query_tower(config: ModelConfig = SMOKE, *, use_sequence: bool = True, use_context: bool = True) -> QueryTower:
    torch.manual_seed(0)
    text, sizes = TextEmbedding(config.text), VOCABULARIES if use_context else {}
    return QueryTower(config, text=text, vocabulary_sizes=sizes, actions=4, use_sequence=use_sequence).eval()


def query_inputs(config: ModelConfig, rows: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    length, dims = config.sequence.length, config.content_dims

    def codes(limit: int, *shape: int) -> torch.Tensor:
        return torch.randint(0, limit, shape, generator=generator, dtype=torch.int32)

    mask = (torch.rand(rows, length, generator=generator) > 0.4).float()
    return {
        "query_ngrams": codes(config.text.buckets, rows, config.text.query_length),
        **{name: codes(size + 1, rows, 1) for name, size in VOCABULARIES.items()},
        "sequence_content": torch.randn(rows, length, dims, generator=generator),
        "sequence_action": codes(5, rows, length),
        "sequence_age_seconds": torch.rand(rows, length, generator=generator) * 1e7,
        "sequence_mask": mask,
    }
