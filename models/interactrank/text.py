"""Text: normalisation, tokens, hashed n-grams and query keys, exactly as docs/formats.md section 2 says.

The server has the same functions in src/features/text.ts; both are held to test/fixtures/formats/text.json.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import regex

from interactrank.keys import xxh32, xxh64

# Unicode White_Space. Python's \s also matches U+001C-001F, which is not White_Space, so the set is written out.
_WHITE_SPACE = regex.compile("[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+")
_KEY_BYTES_MAX = 128


@dataclass(frozen=True)
class NgramOptions:
    """Shape of the hashed text input: `buckets` includes bucket 0 (padding), `length` is the padded width."""

    buckets: int
    length: int
    word_ngrams: tuple[int, ...]
    char_ngrams: tuple[int, ...]


def normalise(text: str) -> str:
    lowered = unicodedata.normalize("NFKC", text).lower()
    return _WHITE_SPACE.sub(" ", lowered).strip(" ")


def tokens(text: str) -> list[str]:
    return _TOKEN.findall(normalise(text))


def distinct_tokens(text: str, limit: int = 8) -> list[str]:
    """The tokens that have count blobs: the first `limit` distinct ones (docs/formats.md section 6)."""
    return list(dict.fromkeys(tokens(text)))[:limit]


def query_key(text: str) -> str:
    normal = normalise(text)
    if 0 < len(normal.encode()) <= _KEY_BYTES_MAX and "{" not in normal and "}" not in normal:
        return normal
    return f"#{xxh64(normal):016x}"


def text_ngrams(text: str, options: NgramOptions) -> np.ndarray:
    """int32 [length] buckets, zero-padded."""
    return text_ngrams_batch([text], options)[0]


def text_ngrams_batch(texts: Iterable[str], options: NgramOptions) -> np.ndarray:
    """int32 [texts, length]. Every distinct text, and the char n-grams of every distinct token, are hashed once."""
    texts = list(texts)
    hasher = _Hasher(options)
    index: dict[str, int] = {}
    positions = np.fromiter((index.setdefault(text, len(index)) for text in texts), np.int64, len(texts))
    table = np.zeros((len(index), options.length), np.int32)
    for row, text in enumerate(index):
        features = hasher.features(tokens(text))
        table[row, : len(features)] = features
    return table[positions]


class _Hasher:
    """Owns the caches of one batch."""

    def __init__(self, options: NgramOptions):
        self.options = options
        self.words: dict[str, int] = {}
        self.chars: dict[tuple[str, int], list[int]] = {}

    def features(self, words: list[str]) -> list[int]:
        length, found = self.options.length, []
        for n in self.options.word_ngrams:
            for start in range(len(words) - n + 1):
                found.append(self._word(" ".join(words[start : start + n])))
        for n in self.options.char_ngrams:
            for word in words:
                if len(found) >= length:
                    return found[:length]
                found += self._chars(word, n)
        return found[:length]

    def _word(self, feature: str) -> int:
        bucket = self.words.get(feature)
        if bucket is None:
            bucket = self.words[feature] = self._bucket("w" + feature)
        return bucket

    def _chars(self, word: str, n: int) -> list[int]:
        buckets = self.chars.get((word, n))
        if buckets is None:
            marked = f"<{word}>"
            buckets = [self._bucket("c" + marked[i : i + n]) for i in range(len(marked) - n + 1)]
            self.chars[word, n] = buckets
        return buckets

    def _bucket(self, feature: str) -> int:
        return 1 + xxh32(feature) % (self.options.buckets - 1)
