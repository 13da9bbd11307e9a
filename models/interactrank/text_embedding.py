"""Embedding of hashed n-grams: one table for queries, titles and texts, pooled with a learned weight per bucket.

Sharing the table makes a word the same vector on both sides, so lexical matches exist before anything is learned.
The weights start at the inverse document frequency of the bucket: rare n-grams speak, frequent ones whisper.
"""
import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag

from interactrank.presets import TextConfig


class NgramSum(torch.autograd.Function):
    """table float32 [buckets, width], ngrams int32 [B, length] → [B, width], the sum of each text's rows.

    The gradient is a product with a sparse matrix of counts. Torch's own, of `embedding_bag`, sorts all n-grams in every step and
    takes four times as long; together with the weights' own look-up it was a third of training.
    """

    @staticmethod
    def forward(ctx, table: Tensor, ngrams: Tensor) -> Tensor:
        ctx.save_for_backward(ngrams)
        ctx.buckets = len(table)
        return embedding_bag(ngrams, table, mode="sum")

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        ngrams = ctx.saved_tensors[0].numpy()
        texts, length = ngrams.shape
        ones = np.ones(ngrams.size, np.float32)
        counts = csr_array((ones, ngrams.ravel(), np.arange(0, ngrams.size + 1, length)), shape=(texts, ctx.buckets))
        return torch.from_numpy(counts.T @ gradient.contiguous().numpy()), None


class TextEmbedding(nn.Module):
    def __init__(self, config: TextConfig):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(config.buckets, config.dims))
        self.weights = nn.Parameter(torch.zeros(config.buckets, 1))

    def forward(self, ngrams: Tensor) -> Tensor:
        """int32 [B, length], zero-padded → [B, dims]: weighted mean over the n-grams, zero for an empty text."""
        if torch.onnx.is_in_onnx_export():
            weights = torch.exp(embedding(ngrams, self.weights)).squeeze(-1) * (ngrams > 0).float()
            total, weight = (embedding(ngrams, self.vectors) * weights.unsqueeze(-1)).sum(dim=1), weights.sum(dim=1, keepdim=True)
        else:
            total, weight = NgramSum.apply(self._table(), ngrams).split([self.vectors.shape[1], 1], dim=1)
        return total / (weight + 1e-6)

    def _table(self) -> Tensor:
        """[buckets, dims + 1]: vectors times weights, and the weights; a sum of its rows is all that a mean needs."""
        weights = torch.exp(self.weights)
        weights = torch.cat([torch.zeros_like(weights[:1]), weights[1:]])
        return torch.cat([self.vectors * weights, weights], dim=1)

    @torch.no_grad()
    def start_from_idf(self, documents: np.ndarray) -> None:
        """`documents`: int32 [M, length], the n-grams of every item. Sets each weight to log(idf)."""
        rows = np.repeat(np.arange(len(documents)), documents.shape[1])
        pairs = np.unique(rows * len(self.weights) + documents.ravel())
        frequency = np.bincount(pairs % len(self.weights), minlength=len(self.weights))
        idf = np.log1p(len(documents) / (1 + frequency))
        self.weights.copy_(torch.from_numpy(np.log(np.maximum(idf, 0.1))).float().unsqueeze(1))
