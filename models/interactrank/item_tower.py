"""Item tower: title, text, category, numeric columns and content embedding → unit vector, and the content embedding
that user sequences read (the catalogue's own where it has one, else one trained here from text and category)."""
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from interactrank.masknet import TowerBody
from interactrank.presets import ModelConfig
from interactrank.text_embedding import TextEmbedding


class ItemTower(nn.Module):
    """`given_content_dims` 0: the catalogue has no content embedding, so the tower makes one of `content_dims`."""

    def __init__(
        self, config: ModelConfig, *, text: TextEmbedding, categories: int, numeric: int, has_text: bool, given_content_dims: int
    ):
        super().__init__()
        self.config, self.text = config, text
        self.has_text, self.numeric, self.given_content_dims = has_text, numeric, given_content_dims
        self.category = nn.Embedding(categories + 1, config.context_dims) if categories else None
        described = config.text.dims * (2 if has_text else 1) + (config.context_dims if categories else 0)
        content_dims = given_content_dims or config.content_dims
        self.content = None if given_content_dims else nn.Linear(described, content_dims)
        self.body = TowerBody(described + numeric + content_dims, config.dims, config.item_tower)
        # Half of the straight way between contents: what a user engaged with, and this item (QueryTower.taste).
        self.taste = nn.Linear(content_dims, config.dims, bias=False)
        nn.init.orthogonal_(self.taste.weight)
        if self.category is not None:
            nn.init.normal_(self.category.weight, std=0.3)

    def input_names(self) -> list[str]:
        """Order of the ONNX inputs."""
        parts = [
            ("title_ngrams", True), ("text_ngrams", self.has_text), ("category", self.category is not None),
            ("numeric", self.numeric > 0), ("content_embedding", self.given_content_dims > 0),
        ]
        return [name for name, present in parts if present]

    def forward(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """title_ngrams, text_ngrams int32 [B, n]; category int32 [B, 1]; numeric [B, k] → vector [B, D], content [B, C]."""
        described = self.describe(inputs)
        content = self.content_of(inputs, described)
        numeric = [inputs["numeric"]] if self.numeric else []
        vectors = self.body(torch.cat([described, *numeric, content], dim=-1)) + self.taste(content)
        return normalize(vectors, dim=-1), content

    @torch.no_grad()
    def start_from_catalogue(self, inputs: dict[str, Tensor]) -> None:
        """Content starts as a projection of standardised descriptions: unscaled, all items look alike, as most n-grams are common."""
        if self.content is None:
            return
        described = self.describe(inputs)
        rotation = nn.init.orthogonal_(torch.empty_like(self.content.weight))
        self.content.weight.copy_(rotation / (described.std(dim=0) + 1e-6))
        self.content.bias.copy_(-self.content.weight @ described.mean(dim=0))

    def describe(self, inputs: dict[str, Tensor]) -> Tensor:
        """What the catalogue says of the item: title, text and category. [B, …]."""
        parts = [self.text(inputs["title_ngrams"])]
        if self.has_text:
            parts.append(self.text(inputs["text_ngrams"]))
        if self.category is not None:
            parts.append(self.category(inputs["category"]).squeeze(1))
        return torch.cat(parts, dim=-1)

    def content_of(self, inputs: dict[str, Tensor], described: Tensor) -> Tensor:
        """[B, C]: the catalogue's own embedding, or one made from the description."""
        return inputs["content_embedding"] if self.content is None else normalize(self.content(described), dim=-1)
