"""Embedding of hashed n-grams: one table for queries, titles and texts, pooled with a learned weight per bucket.

Sharing the table makes a word the same vector on both sides, so lexical matches exist before anything is learned.
The weights start at the inverse document frequency of the bucket: rare n-grams speak, frequent ones whisper.
"""
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag

from interactrank.presets import TextConfig


class TextEmbedding(nn.Module):
    def __init__(self, config: TextConfig):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(config.buckets, config.dims))
        self.weights = nn.Parameter(torch.zeros(config.buckets, 1))

    def forward(self, ngrams: Tensor) -> Tensor:
        """int32 [B, length], zero-padded → [B, dims]: weighted mean over the n-grams, zero for an empty text."""
        weights = torch.exp(embedding(ngrams, self.weights)).squeeze(-1) * (ngrams > 0).float()
        if torch.onnx.is_in_onnx_export():
            total = (embedding(ngrams, self.vectors) * weights.unsqueeze(-1)).sum(dim=1)
        else:  # the same sum without a [B, length, dims] intermediate: several times faster to train
            total = embedding_bag(ngrams, self.vectors, mode="sum", per_sample_weights=weights)
        return total / (weights.sum(dim=1, keepdim=True) + 1e-6)

    @torch.no_grad()
    def start_from_idf(self, documents: np.ndarray) -> None:
        """`documents`: int32 [M, length], the n-grams of every item. Sets each weight to log(idf)."""
        rows = np.repeat(np.arange(len(documents)), documents.shape[1])
        pairs = np.unique(rows * len(self.weights) + documents.ravel())
        frequency = np.bincount(pairs % len(self.weights), minlength=len(self.weights))
        idf = np.log1p(len(documents) / (1 + frequency))
        self.weights.copy_(torch.from_numpy(np.log(np.maximum(idf, 0.1))).float().unsqueeze(1))
