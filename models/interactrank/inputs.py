"""Tower inputs as arrays: what the manifest's sources (docs/formats.md §9) fill at serving, filled here for training."""
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from interactrank.logs import Log
from interactrank.presets import ModelConfig
from interactrank.schema import Schema
from interactrank.sequences import Sequences
from interactrank.text import NgramOptions, text_ngrams_batch


def ngram_options(config: ModelConfig, length: int) -> NgramOptions:
    text = config.text
    return NgramOptions(buckets=text.buckets, length=length, word_ngrams=text.word_ngrams, char_ngrams=text.char_ngrams)


def query_ngrams(texts: list[str], config: ModelConfig) -> np.ndarray:
    return text_ngrams_batch(texts, ngram_options(config, config.text.query_length))


def vocabulary_codes(values: pd.Series | list, vocabulary: list[str]) -> np.ndarray:
    """int32 [B]: index + 1, 0 = missing or unknown."""
    return (pd.Index(vocabulary, dtype=object).get_indexer(pd.Index(values, dtype=object)) + 1).astype(np.int32)


def item_inputs(log: Log, schema: Schema, config: ModelConfig) -> dict[str, np.ndarray]:
    """Every input that the item tower may ask for, for all M items."""
    items, text = log.items, config.text
    inputs = {"title_ngrams": text_ngrams_batch(items["title"], ngram_options(config, text.title_length))}
    if schema.has_text:
        inputs["text_ngrams"] = text_ngrams_batch(items["text"], ngram_options(config, text.text_length))
    if schema.categories:
        inputs["category"] = vocabulary_codes(items["category"].astype(object), schema.categories)[:, None]
    if schema.numeric:
        columns = [column.transform.apply(items[column.name]) for column in schema.numeric]
        inputs["numeric"] = np.stack(columns, axis=1).astype(np.float32)
    if schema.content_column:
        inputs["content_embedding"] = log.content
    return inputs


def sequence_inputs(sequences: Sequences, now_ms: np.ndarray, content: Tensor) -> dict[str, Tensor]:
    """content [M, C] → the four sequence inputs of the query tower."""
    rows = torch.from_numpy(sequences.item_row.astype(np.int64))
    mask = torch.from_numpy(sequences.mask)
    return {
        "sequence_content": content[rows.clamp(min=0)] * mask.unsqueeze(-1),
        "sequence_action": torch.from_numpy(sequences.action.astype(np.int32)),
        "sequence_age_seconds": torch.from_numpy(sequences.age_seconds(now_ms)),
        "sequence_mask": mask,
    }


def take_sequences(sequences: Sequences, rows: np.ndarray) -> Sequences:
    return Sequences(sequences.item_row[rows], sequences.action[rows], sequences.time_ms[rows])
