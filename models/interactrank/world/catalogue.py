"""The catalogue: attributes that decide, and the titles and descriptions that show only some of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.world.options import DAY_MS, START_MS, WorldOptions
from interactrank.world.titles import Look, description, title
from interactrank.world.words import BRANDS, CATEGORIES, CATEGORY_NAMES, COLOURS, DEPARTMENT_OF, DEPARTMENTS, MATERIALS, STYLES

BRAND_DIMS = 6


@dataclass(frozen=True)
class Catalogue:
    """One line per item; style2 is a weaker second style. quality and brand_factors never leave the simulator."""

    ids: np.ndarray
    category: np.ndarray
    style: np.ndarray
    style2: np.ndarray
    colour: np.ndarray
    material: np.ndarray
    brand: np.ndarray
    price: np.ndarray
    published_ms: np.ndarray
    quality: np.ndarray
    brand_factors: np.ndarray
    titles: list[str]
    texts: list[str]

    @property
    def size(self) -> int:
        return len(self.ids)

    def table(self) -> pd.DataFrame:
        """What the log shows of it."""
        return pd.DataFrame(
            {
                "item": self.ids,
                "title": self.titles,
                "text": self.texts,
                "category": [CATEGORY_NAMES[c] for c in self.category],
                "price": np.round(self.price, 2),
                "published_day": self.published_ms // DAY_MS,
            }
        )


def make_catalogue(options: WorldOptions) -> Catalogue:
    rng = np.random.default_rng([options.seed, 1])
    size = options.items
    share = np.array([c.share for c in CATEGORIES])
    category = rng.choice(len(CATEGORIES), size, p=share / share.sum())
    brand, style = _brands_and_styles(rng, category)
    factors = rng.normal(size=(len(BRANDS), BRAND_DIMS)).astype(np.float32)
    tier = rng.normal(0, 0.35, len(BRANDS))
    base = np.array([c.price for c in CATEGORIES])[category]
    brand_quality = rng.normal(0, 0.45, len(BRANDS))
    items = Catalogue(
        ids=rng.choice(np.arange(10_000_000, 99_999_999), size, replace=False).astype(np.uint64),
        category=category,
        style=style,
        style2=rng.integers(0, len(STYLES), size),
        colour=rng.integers(0, len(COLOURS), size),
        material=np.array([rng.integers(len(MATERIALS[CATEGORIES[c].material])) for c in category]),
        brand=brand,
        price=base * np.exp(tier[brand] + rng.normal(0, 0.3, size)),
        published_ms=_publish_times(rng, options),
        quality=(brand_quality[brand] + rng.normal(0, 0.9, size)).astype(np.float32),
        brand_factors=factors,
        titles=[],
        texts=[],
    )
    columns = (items.category, items.style, items.style2, items.colour, items.material, items.brand)
    for codes in np.stack(columns, axis=1).tolist():
        items.titles.append(title(rng, Look(*codes)))
        items.texts.append(description(rng, Look(*codes)))
    return items


def _brands_and_styles(rng: np.random.Generator, category: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A brand works in one or two departments and leans to three styles."""
    departments = rng.integers(0, len(DEPARTMENTS), (len(BRANDS), 2))
    leaning = rng.dirichlet(np.full(len(STYLES), 0.35), len(BRANDS))
    brand = np.empty(len(category), np.int64)
    for number in range(len(DEPARTMENTS)):
        mine = np.flatnonzero(DEPARTMENT_OF[category] == number)
        makers = np.flatnonzero((departments == number).any(axis=1))
        brand[mine] = rng.choice(makers if makers.size else np.arange(len(BRANDS)), mine.size)
    mixed = 0.6 * leaning[brand] + 0.4 / len(STYLES)
    style = (rng.random((len(category), 1)) < mixed.cumsum(axis=1)).argmax(axis=1)
    return brand, style


def _publish_times(rng: np.random.Generator, options: WorldOptions) -> np.ndarray:
    """Four fifths are older than the log (up to two years), the rest arrive during it."""
    age_days = np.where(
        rng.random(options.items) < 0.8, -rng.uniform(0, 730, options.items), rng.uniform(0, options.days, options.items)
    )
    return (START_MS + age_days * DAY_MS).astype(np.int64)
