"""The query tower as it is exported: the same function with constants worked out and linear maps merged.

What PyTorch trains is written for learning; at serving one request is a few hundred thousand multiplications, so every node
costs as much as its arithmetic, and every product over the L events that can move behind their sum is saved L − 1 times:

- n-gram weights are multiplied into the table; the four context tables are one.
- ⟨key(e), question(q)⟩ = ⟨e, keyᵀ question(q)⟩ and Σ a·value(e) = value(Σ a·e): no projection of single events is left.
- action, decays and cosines are one product: an action is a one-hot column, log-age and cosine share their logarithm.

tests/test_serving_tower.py holds it to the trained tower.
"""
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from interactrank.query_tower import GAIN, SEQUENCE_INPUTS, QueryTower
from interactrank.sequence_embedder import AGE_MAX_SECONDS, MINUTE, PERIODS_SECONDS, SequenceEmbedder
from interactrank.text_embedding import TextEmbedding


class ServingTower(nn.Module):
    """Made from a trained tower; takes the same inputs in the same order."""

    def __init__(self, tower: QueryTower):
        super().__init__()
        self.config, self.names = tower.config, tower.input_names()
        self.text = _Text(tower.text)
        self.context = _Context(tower.context) if tower.context else None
        self.given = tower.given if tower.config.query_embedding_dims else None
        self.sequence = _Sequence(tower.sequence) if tower.sequence else None
        self.body = tower.body
        self.taste = tower.taste if tower.sequence else None

    def input_names(self) -> list[str]:
        return self.names

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """As QueryTower.forward → float32 [B, H, D]."""
        query = self.text(inputs["query_ngrams"])
        if self.given is not None:
            query = query + self.given(inputs["query_embedding"]) * inputs["query_embedding_present"]
        parts = [query] if self.context is None else [query, self.context(inputs)]
        if self.sequence is None:
            vectors = self.body(torch.cat(parts, dim=-1))
        else:
            columns = {name.removeprefix("sequence_"): inputs[name] for name in SEQUENCE_INPUTS}
            past = self.sequence(**columns, query=query)
            vectors = self.body(torch.cat([*parts, GAIN * past], dim=-1)) + self.taste(past)
        vectors = vectors.view(-1, len(self.config.heads), self.config.dims)
        return vectors / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp(min=1e-12)


class _Text(nn.Module):
    """TextEmbedding with weights in the table; the row of padding is zero in both."""

    def __init__(self, text: TextEmbedding):
        super().__init__()
        weights = torch.exp(text.weights.detach())
        weights[0] = 0.0
        self.vectors = _constant(text.vectors.detach() * weights)
        self.weights = _constant(weights)

    def forward(self, ngrams: Tensor) -> Tensor:
        return embedding(ngrams, self.vectors).sum(1) / (embedding(ngrams, self.weights).sum(1) + 1e-6)


class _Context(nn.Module):
    """The tables below each other, and where each starts."""

    def __init__(self, tables: nn.ModuleDict):
        super().__init__()
        self.names = list(tables)
        weights = [tables[name].weight.detach() for name in self.names]
        self.vectors = _constant(torch.cat(weights))
        self.starts = _constant(torch.tensor([0, *map(len, weights[:-1])]).cumsum(0).int())

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        codes = torch.cat([inputs[name] for name in self.names], dim=1) + self.starts
        return embedding(codes, self.vectors).flatten(1)


class _Sequence(nn.Module):
    def __init__(self, trained: SequenceEmbedder):
        super().__init__()
        self.content = _constant(trained.content.weight.detach().T)
        self.codes = _constant(torch.eye(len(trained.action.weight)))
        periods = torch.tensor([MINUTE, *PERIODS_SECONDS])
        self.rates = _constant(-1.0 / periods)
        self.minus_features = _constant(-_feature_weights(trained))
        self.norm, self.position, self.value = trained.norm, trained.position, trained.value
        key, question = trained.key.weight.detach(), trained.question
        self.question = nn.Linear(question.in_features, key.shape[1])
        self.question.weight = _constant(key.T @ question.weight.detach() * trained.scale)
        self.question.bias = _constant(key.T @ question.bias.detach() * trained.scale)

    def forward(self, *, content: Tensor, action: Tensor, age_seconds: Tensor, mask: Tensor, query: Tensor) -> Tensor:
        """As SequenceEmbedder.forward."""
        minus_turns = age_seconds.clamp(min=0.0, max=AGE_MAX_SECONDS).unsqueeze(-1) * self.rates
        logs = torch.log(1.0 - minus_turns)
        features = torch.cat([embedding(action, self.codes), logs, torch.exp(minus_turns), torch.cos(logs * math.pi)], -1)
        # A difference: ONNX Runtime would fuse a sum with the norm into SkipLayerNormalization, which takes three times as long.
        elements = self.norm(content @ self.content - features @ self.minus_features)
        mask = mask.unsqueeze(1)
        events = mask.sum(-1, keepdim=True)
        pooled = (self.position * mask / (events + 1.0)) @ elements
        logits = (elements @ self.question(query).unsqueeze(-1)).transpose(1, 2)
        attended = torch.softmax(logits + (mask - 1.0) * 1e4, dim=-1) @ elements
        # Without any event the attention is spread over padding: the factor 0 takes it out.
        return (pooled + self.value(attended) * events.clamp(max=1.0)).squeeze(1)


def _feature_weights(trained: SequenceEmbedder) -> Tensor:
    """Rows: actions (with both biases: every event has one), then logs, decays and cosines of a minute and of every period."""
    age, periods = trained.age.project, len(PERIODS_SECONDS)
    actions = trained.action.weight.detach() + trained.content.bias.detach() + age.bias.detach()
    log, decays, cosines = age.weight.detach().T.split([1, periods, periods])
    unused_one, unused_all = torch.zeros_like(log), torch.zeros_like(decays)
    return torch.cat([actions, log / 8.0, unused_all, unused_one, decays, unused_one, cosines])


def _constant(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.clone(), requires_grad=False)
