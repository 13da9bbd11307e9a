"""Titles and descriptions: readable, and silent about some of what decides."""

from dataclasses import dataclass

import numpy as np

from interactrank.world.words import (
    ADJECTIVES,
    AMBIGUOUS,
    BRANDS,
    CATEGORIES,
    CATEGORY_NAMES,
    COLOUR_NAMES,
    COLOURS,
    MATERIALS,
    OCCASIONS,
    STYLE_NAMES,
    STYLES,
)


@dataclass(frozen=True)
class Look:
    """Attribute codes of one item, in the order of the words."""

    category: int
    style: int
    style2: int
    colour: int
    material: int
    brand: int


def title(rng: np.random.Generator, look: Look) -> str:
    category = CATEGORIES[look.category]
    style_words, hints = STYLES[STYLE_NAMES[look.style]]
    chance = rng.random(7)
    words = []
    if chance[0] < 0.85:
        words.append(BRANDS[look.brand])
    if chance[1] < 0.18:
        words.append(style_words[0])
    elif chance[1] < 0.45:
        words.append(str(rng.choice(hints)))
    if chance[2] < 0.35:
        words.append(str(rng.choice(ADJECTIVES[category.material])))
    if chance[3] < 0.6:
        words.append(MATERIALS[category.material][look.material])
    noun = category.nouns[0] if chance[5] < 0.5 else str(rng.choice(category.nouns))
    meanings = [word for word, senses in AMBIGUOUS if category.nouns[0] in senses.values()]
    if meanings and chance[4] < 0.2:
        words.append(meanings[int(chance[4] / 0.2 * len(meanings))].removesuffix(noun).strip())
    words.append(noun)
    colour = COLOURS[COLOUR_NAMES[look.colour]]
    joined = " ".join(words) + (f", {rng.choice(colour)}" if chance[6] < 0.75 else "")
    return _capital(joined)


def description(rng: np.random.Generator, look: Look) -> str:
    category = CATEGORIES[look.category]
    style, second = STYLE_NAMES[look.style], STYLE_NAMES[look.style2]
    first, other = rng.choice(STYLES[style][1], 2, replace=False)
    material = MATERIALS[category.material][look.material]
    sentence = _capital(f"{first} and {other}, with {_article(rng.choice(STYLES[second][1]))} touch")
    parts = [sentence, f"made of {material}" if rng.random() < 0.5 else "made to last"]
    if rng.random() < 0.25:
        parts.append(f"in the {style} mood" if rng.random() < 0.5 else f"goes with any {rng.choice(CATEGORY_NAMES)}")
    fitting = [o[3] for o in OCCASIONS if category.nouns[0] in o[1] and o[2] in (None, style)]
    if fitting and rng.random() < 0.6:
        parts.append(str(rng.choice(fitting)))
    return "; ".join(parts) + "."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
