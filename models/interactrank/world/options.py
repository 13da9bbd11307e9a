"""How large a world is, and how strong each thing that decides an engagement is."""

from dataclasses import dataclass, field

START_MS = 1_735_689_600_000  # 2025-01-01 00:00 UTC
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Weights:
    """Parts of the utility of an item for a user and query, in logits. Attributes have about unit variance."""

    category: float = 3.2
    attribute: float = 1.3
    quality: float = 0.9
    affinity: float = 1.4
    segment: float = 0.55
    segment_item: float = 0.45
    taste: float = 0.85
    # The logging ranker sees the same parts less clearly, and explores.
    policy: float = 0.8
    threshold: float = 2.6
    position_bias: float = 0.55


@dataclass(frozen=True)
class WorldOptions:
    seed: int = 1
    items: int = 20_000
    users: int = 5_000
    days: int = 60
    requests: int = 110_000
    intents: int = 1_800
    lexical: int = 700
    popular: int = 150
    candidates: int = 1_000
    weights: Weights = field(default_factory=Weights)


PRESETS = {
    "full": WorldOptions(),
    "tiny": WorldOptions(
        items=1_200, users=250, days=20, requests=4_000, intents=200, lexical=200, popular=40, candidates=300
    ),
}
