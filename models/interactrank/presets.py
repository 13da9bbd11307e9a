"""Sizes of the model. `demo` trains on two cores, `paper` is the published shape for performance work, `smoke` is for tests."""
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class TextConfig:
    """Hashed n-grams of one text field (docs/formats.md §2)."""

    buckets: int
    dims: int
    query_length: int
    title_length: int
    text_length: int
    word_ngrams: tuple[int, ...]
    char_ngrams: tuple[int, ...]


@dataclass(frozen=True)
class SequenceConfig:
    length: int
    attention_dims: int


@dataclass(frozen=True)
class TowerConfig:
    """Parallel MaskNet (4 blocks of `block_dims`, masks squeezed by `mask_ratio`), then dense layers."""

    block_dims: int
    mask_ratio: float
    hidden: tuple[int, ...]
    blocks: int = 4
    dropout: float = 0.0


@dataclass(frozen=True)
class ModelConfig:
    dims: int
    heads: tuple[str, ...]
    head_weights: tuple[float, ...]
    text: TextConfig
    content_dims: int
    context_dims: int
    sequence: SequenceConfig
    query_tower: TowerConfig
    item_tower: TowerConfig
    fusion_hidden: tuple[int, ...]
    query_embedding_dims: int = 0


HEADS = ("engagement", "save", "long_click")

DEMO = ModelConfig(
    dims=64,
    heads=HEADS,
    head_weights=(1.0, 0.2, 0.2),
    text=TextConfig(
        buckets=16384, dims=32, query_length=48, title_length=64, text_length=64,
        word_ngrams=(1, 2), char_ngrams=(3, 4),
    ),
    content_dims=32,
    context_dims=8,
    sequence=SequenceConfig(length=50, attention_dims=32),
    query_tower=TowerConfig(block_dims=128, mask_ratio=0.5, hidden=(256, 128)),
    item_tower=TowerConfig(block_dims=64, mask_ratio=0.5, hidden=(256, 128)),
    fusion_hidden=(16,),
)

SMOKE = replace(
    DEMO,
    text=replace(DEMO.text, buckets=4096, query_length=32, title_length=32, text_length=32),
    sequence=SequenceConfig(length=20, attention_dims=16),
    query_tower=TowerConfig(block_dims=32, mask_ratio=0.5, hidden=(64,)),
    item_tower=TowerConfig(block_dims=32, mask_ratio=0.5, hidden=(64,)),
)

# Real titles and long texts: more buckets and more room.
MOVIES = replace(DEMO, text=replace(DEMO.text, buckets=2**16, text_length=96))

PAPER = ModelConfig(
    dims=64,
    heads=HEADS,
    head_weights=(1.0, 0.2, 0.2),
    text=TextConfig(
        buckets=2**17, dims=256, query_length=64, title_length=128, text_length=256,
        word_ngrams=(1, 2), char_ngrams=(3, 4),
    ),
    content_dims=256,
    context_dims=64,
    sequence=SequenceConfig(length=100, attention_dims=320),
    query_tower=TowerConfig(block_dims=2048, mask_ratio=0.1, hidden=(512, 256), dropout=0.005),
    item_tower=TowerConfig(block_dims=3072, mask_ratio=0.1, hidden=(512, 256), dropout=0.005),
    fusion_hidden=(16,),
)
