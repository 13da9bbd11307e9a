"""What the data decided and the model, the checkpoint and the manifest must agree on."""
from dataclasses import dataclass, replace

from interactrank.counts import CountColumn
from interactrank.transforms import Transform


@dataclass(frozen=True)
class CrossFeature:
    name: str
    segment: str
    column: str
    prior: float
    transform: Transform


@dataclass(frozen=True)
class NamedTransform:
    """An item scalar, numeric item column or caller column with its transform."""

    name: str
    transform: Transform


@dataclass(frozen=True)
class Schema:
    id_kind: str
    actions: dict[str, int]
    contexts: dict[str, list[str]]
    categories: list[str]
    numeric: tuple[NamedTransform, ...]
    has_text: bool
    content_column: str | None
    content_dims: int
    count_columns: tuple[CountColumn, ...]
    cross: tuple[CrossFeature, ...]
    scalars: tuple[NamedTransform, ...]
    caller: tuple[NamedTransform, ...]

    @property
    def segments(self) -> list[str]:
        return list(dict.fromkeys(feature.segment for feature in self.cross))

    def without(self, *, cross: bool = False, caller: bool = False) -> "Schema":
        """The same schema for an ablation that may not see cross features or caller columns."""
        return replace(self, cross=() if cross else self.cross, caller=() if caller else self.caller)
