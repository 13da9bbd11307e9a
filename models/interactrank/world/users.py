"""Users: who they are, what they like for good, and moods that change within days."""

from dataclasses import dataclass

import numpy as np

from interactrank.world.catalogue import BRAND_DIMS, Catalogue
from interactrank.world.options import WorldOptions
from interactrank.world.words import (
    BRANDS,
    CATEGORIES,
    CATEGORY_NAMES,
    COLOUR_NAMES,
    COUNTRIES,
    DEPARTMENTS,
    DEVICES,
    GENDERS,
    STYLE_NAMES,
)

LANGUAGES = ["en", "de", "fr", "pt", "es"]
_MOOD_DAYS = 8.0
_STYLES, _COLOURS = len(STYLE_NAMES), len(COLOUR_NAMES)
TASTE_DIMS = _STYLES + _COLOURS + BRAND_DIMS + 1


@dataclass(frozen=True)
class Users:
    """Codes into the names above. taste: float32 [U, TASTE_DIMS], for good. Moods of user u are the slice
    mood_offsets[u]:mood_offsets[u + 1], each from mood_start (days) on until the next."""

    country: np.ndarray
    gender: np.ndarray
    device: np.ndarray
    language: np.ndarray
    activity: np.ndarray
    taste: np.ndarray
    mood_offsets: np.ndarray
    mood_start: np.ndarray
    mood_style: np.ndarray
    mood_colour: np.ndarray
    mood_department: np.ndarray

    def mood_at(self, user: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Mood number of each user at each time."""
        scale = 10_000.0
        owner = np.repeat(np.arange(len(self.country)), np.diff(self.mood_offsets))
        return np.searchsorted(owner * scale + self.mood_start, user * scale + day, side="right") - 1

    def taste_at(self, user: np.ndarray, mood: np.ndarray) -> np.ndarray:
        """float32 [n, TASTE_DIMS]: lasting taste, and the mood on top."""
        vector = 0.45 * self.taste[user]
        rows = np.arange(len(user))
        vector[rows, self.mood_style[mood]] += 3.0
        vector[rows, _STYLES + self.mood_colour[mood]] += 2.3
        return vector


def make_users(options: WorldOptions) -> Users:
    rng = np.random.default_rng([options.seed, 2])
    size = options.users
    country = rng.choice(len(COUNTRIES), size, p=[c[0] for c in COUNTRIES.values()])
    home = np.array([LANGUAGES.index(c[1]) for c in COUNTRIES.values()])[country]
    taste = rng.normal(size=(size, TASTE_DIMS)).astype(np.float32)
    taste[:, _STYLES + _COLOURS : -1] *= 0.6
    gaps = rng.exponential(_MOOD_DAYS, (size, int(options.days / _MOOD_DAYS * 4) + 8))
    starts = np.concatenate([np.full((size, 1), -1.0), gaps.cumsum(axis=1)], axis=1)
    alive = starts < options.days
    owner = np.nonzero(alive)[0]
    lasting = _sharpened(rng, taste[owner, :_STYLES])
    return Users(
        country=country,
        gender=rng.choice(len(GENDERS), size, p=list(GENDERS.values())),
        device=rng.choice(len(DEVICES), size, p=[d[0] for d in DEVICES.values()]),
        language=np.where(rng.random(size) < 0.1, rng.integers(0, len(LANGUAGES), size), home),
        activity=rng.lognormal(0, 0.9, size),
        taste=taste,
        mood_offsets=np.concatenate([[0], alive.sum(axis=1).cumsum()]),
        mood_start=starts[alive],
        mood_style=np.where(rng.random(len(owner)) < 0.4, lasting, rng.integers(0, _STYLES, len(owner))),
        mood_colour=rng.integers(0, _COLOURS, len(owner)),
        mood_department=rng.integers(0, len(DEPARTMENTS), len(owner)),
    )


def _sharpened(rng: np.random.Generator, preference: np.ndarray) -> np.ndarray:
    """One style for each line, mostly among the preferred."""
    return (2 * preference + rng.gumbel(size=preference.shape)).argmax(axis=1)


def taste_columns(items: Catalogue) -> np.ndarray:
    """float32 [M, TASTE_DIMS]: what a taste vector is multiplied with; columns are centred."""
    columns = np.zeros((items.size, TASTE_DIMS), np.float32)
    rows = np.arange(items.size)
    columns[rows, items.style] = 1
    columns[rows, items.style2] += 0.4
    columns[rows, _STYLES + items.colour] = 1
    columns[:, _STYLES + _COLOURS : -1] = 0.5 * items.brand_factors[items.brand]
    relative = np.log(items.price / np.array([c.price for c in CATEGORIES])[items.category])
    columns[:, -1] = relative / relative.std() * 0.5
    return columns - columns.mean(axis=0)


def segment_preference(items: Catalogue, options: WorldOptions) -> tuple[np.ndarray, np.ndarray]:
    """float32 [countries × genders, M], twice: what attributes explain, and what only engagement can show."""
    rng = np.random.default_rng([options.seed, 3])
    by_country = rng.normal(size=(len(COUNTRIES), _STYLES))[:, items.style]
    by_country += rng.normal(size=(len(COUNTRIES), len(BRANDS)))[:, items.brand]
    by_country += 0.7 * rng.normal(size=(len(COUNTRIES), _COLOURS))[:, items.colour]
    by_gender = rng.normal(size=(len(GENDERS), _STYLES))[:, items.style]
    by_gender += 0.8 * rng.normal(size=(len(GENDERS), _COLOURS))[:, items.colour]
    by_gender += 0.8 * rng.normal(size=(len(GENDERS), len(CATEGORY_NAMES), _STYLES))[:, items.category, items.style]
    own_country = rng.normal(size=(len(COUNTRIES), items.size))
    own_gender = rng.normal(size=(len(GENDERS), items.size))
    return _pairs(by_country, by_gender) / 1.6, _pairs(own_country, own_gender)


def _pairs(by_country: np.ndarray, by_gender: np.ndarray) -> np.ndarray:
    return (by_country[:, None] + by_gender[None]).reshape(-1, by_country.shape[1]).astype(np.float32)
