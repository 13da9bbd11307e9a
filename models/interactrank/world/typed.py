"""A query as somebody types it: one of its wordings, sometimes misspelt."""

import numpy as np

_SURFACE_SHARE = np.array([0.55, 0.25, 0.12, 0.08])


def typed_text(rng: np.random.Generator, surfaces: list[str]) -> str:
    """One of the surfaces as somebody types it: sometimes misspelt, half of the times in the way everybody misspells it."""
    share = _SURFACE_SHARE[: len(surfaces)]
    text = surfaces[int((rng.random() * share.sum() < share.cumsum()).argmax())]
    chance = rng.random()
    if chance < 0.03:
        return misspell(np.random.default_rng([len(text), *text.encode()]), text)
    return misspell(rng, text) if chance < 0.06 else text


def misspell(rng: np.random.Generator, text: str) -> str:
    words = text.split(" ")
    long = [number for number, word in enumerate(words) if len(word) > 3]
    if not long:
        return text
    number = long[int(rng.integers(len(long)))]
    word = words[number]
    at = int(rng.integers(1, len(word) - 1))
    kind = int(rng.integers(4))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    other = "abcdefghijklmnopqrstuvwxyz"[int(rng.integers(26))]
    edits = (swapped, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], word[:at] + other + word[at + 1 :])
    words[number] = edits[kind]
    return " ".join(words)
