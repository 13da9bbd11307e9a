"""What people want (intents) and the words they type for it (surfaces): synonyms, ambiguous words."""

from dataclasses import dataclass

import numpy as np

from interactrank.world.options import WorldOptions
from interactrank.world.words import (
    AMBIGUOUS,
    BRANDS,
    CATEGORIES,
    CATEGORY_NAMES,
    COLOUR_NAMES,
    COLOURS,
    COUNTRY_NAMES,
    DEPARTMENT_OF,
    GENDER_NAMES,
    MATERIALS,
    OCCASIONS,
    STYLE_NAMES,
    STYLES,
    SUFFIXES,
)

_RELATED = 0.25  # how much a category of the same department is worth to someone who wants another


@dataclass(frozen=True)
class Intent:
    """What is wanted; −1 is "any". `word` replaces the noun in the query."""

    categories: tuple[int, ...]
    style: int = -1
    colour: int = -1
    material: int = -1
    brand: int = -1
    word: str = ""

    @property
    def attributes(self) -> int:
        return sum(code >= 0 for code in (self.style, self.colour, self.material, self.brand))

    def category_match(self) -> np.ndarray:
        """float32 [categories]: 1 wanted, 0 of another department."""
        match = np.zeros(len(CATEGORIES), np.float32)
        match[np.isin(DEPARTMENT_OF, DEPARTMENT_OF[list(self.categories)])] = _RELATED
        match[list(self.categories)] = 1
        return match


@dataclass(frozen=True)
class Intents:
    """surfaces[i]: texts for intent i, most frequent first. meaning[i]: [countries × genders] → the intent that the words of
    intent i stand for there (mostly i itself). weight: log popularity; start_day: when people begin to search for it."""

    intents: list[Intent]
    surfaces: list[list[str]]
    meaning: np.ndarray
    weight: np.ndarray
    start_day: np.ndarray


def make_intents(options: WorldOptions) -> Intents:
    rng = np.random.default_rng([options.seed, 4])
    intents, meaning = _ambiguous(rng, options)
    intents += [_occasion(categories, style) for _, categories, style, _ in OCCASIONS]
    surfaces = [[] for _ in intents]
    for number, (words, *_) in enumerate(OCCASIONS):
        surfaces[len(intents) - len(OCCASIONS) + number] = [words]
    seen = set(intents)
    while len(intents) < options.intents:
        intent = _plain(rng)
        if intent not in seen:
            seen.add(intent)
            intents.append(intent)
            surfaces.append([])
    surfaces = [given or _surfaces(rng, intent) for given, intent in zip(surfaces, intents, strict=True)]
    for number, first in enumerate(meaning[:, 0]):  # the senses of one word share their texts
        surfaces[number] = surfaces[first]
    own = np.repeat(np.arange(len(meaning), len(intents))[:, None], meaning.shape[1], axis=1)
    rank = rng.permutation(len(intents)) + 4
    late = rng.random(len(intents)) < 0.25
    plain_first = -0.8 * np.array([intent.attributes for intent in intents])
    return Intents(
        intents=intents,
        surfaces=surfaces,
        meaning=np.concatenate([meaning, own]),
        weight=-np.log(rank) + plain_first + 0.5 * late,
        start_day=np.where(late, rng.uniform(0, options.days, len(intents)), 0),
    )


def _plain(rng: np.random.Generator) -> Intent:
    share = np.array([category.share for category in CATEGORIES])
    category = int(rng.choice(len(CATEGORIES), p=share / share.sum()))
    wanted = rng.choice(4, rng.choice(4, p=[0.12, 0.43, 0.35, 0.1]), replace=False, p=[0.42, 0.28, 0.2, 0.1])
    sizes = (len(STYLES), len(COLOURS), len(MATERIALS[CATEGORIES[category].material]), len(BRANDS))
    codes = [int(rng.integers(size)) if number in wanted else -1 for number, size in enumerate(sizes)]
    return Intent((category,), *codes)


def _occasion(categories: tuple[str, ...], style: str | None) -> Intent:
    return Intent(tuple(CATEGORY_NAMES.index(c) for c in categories), STYLE_NAMES.index(style) if style else -1)


def _ambiguous(rng: np.random.Generator, options: WorldOptions) -> tuple[list[Intent], np.ndarray]:
    """Every ambiguous word alone and with some attributes; each sense is an intent of its own."""
    variants = min(6, options.intents // (4 * len(AMBIGUOUS)))
    intents, meaning = [], []
    for word, senses in AMBIGUOUS:
        for variant in range(max(variants, 1)):
            style = int(rng.integers(len(STYLES))) if variant in (1, 3) else -1
            colour = int(rng.integers(len(COLOURS))) if variant in (2, 3, 4, 5) else -1
            base = len(intents)
            names = list(dict.fromkeys(senses.values()))
            intents += [Intent((CATEGORY_NAMES.index(name),), style, colour, word=word) for name in names]
            row = [base + names.index(_sense(senses, c, g)) for c in COUNTRY_NAMES for g in GENDER_NAMES]
            meaning += [row] * len(names)
    return intents, np.array(meaning)


def _sense(senses: dict[str, str], country: str, gender: str) -> str:
    return senses.get(country) or senses.get(gender) or senses[""]


def _surfaces(rng: np.random.Generator, intent: Intent) -> list[str]:
    texts = dict.fromkeys(_surface(rng, intent) for _ in range(int(rng.integers(1, 5))))
    return list(texts)


def _surface(rng: np.random.Generator, intent: Intent) -> str:
    category = CATEGORIES[intent.categories[0]]
    words = []
    if intent.brand >= 0:
        words.append(BRANDS[intent.brand].lower())
    if intent.colour >= 0:
        family = COLOUR_NAMES[intent.colour]
        words.append(family if rng.random() < 0.75 else str(rng.choice(COLOURS[family])))
    if intent.style >= 0:
        words.append(str(rng.choice(STYLES[STYLE_NAMES[intent.style]][0], p=[0.7, 0.3])))
    if intent.material >= 0:
        words.append(MATERIALS[category.material][intent.material])
    words.append(intent.word or (category.nouns[0] if rng.random() < 0.6 else str(rng.choice(category.nouns))))
    if rng.random() < 0.15:
        words = words[-1:] + words[:-1]
    if rng.random() < 0.06:
        words.append(str(rng.choice(SUFFIXES)))
    return " ".join(words)
