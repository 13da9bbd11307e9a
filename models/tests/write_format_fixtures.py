"""Writes the vectors that Python and TypeScript are both tested against: python models/tests/write_format_fixtures.py"""

import base64
import json
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "formats"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interactrank.counts import column_fingerprint  # noqa: E402
from interactrank.counts.blob import CountBlob, encode_count_blob  # noqa: E402
from interactrank.keys import xxh32, xxh64  # noqa: E402
from interactrank.sequences import encode_events  # noqa: E402
from interactrank.text import NgramOptions, normalise, query_key, text_ngrams, tokens  # noqa: E402
from interactrank.transforms import Transform  # noqa: E402

TEXTS = [
    "",
    "   ",
    "Red Shoes",
    "  red \t\r\n shoes\u3000\u00a0size 9½ ",
    "Oakline ribbed wool cardigan, forest green",
    "ＦＵＬＬ ｗｉｄｔｈ ﬁne ① ㎏",
    "İstanbul ISPARTA ıI",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ. σ",
    "Straße STRASSE ẞ",
    "cafe\u0301 café CAFÉ",
    "e\u0301\u0327 \u1e9b\u0323",
    "नमस्ते दुनिया",
    "日本語のテキスト 東京",
    "👩‍👩‍👧 sofa 😀 x",
    "𝒜𝓑 𠀀𠀁 Ⅷ ǅ",
    "a{b}c",
    "don't-stop_me",
    "١٢٣ ² ½",
    "x" * 128,
    "x" * 129,
    "é" * 64,
    "é" * 65,
    "line\u2028separator\u2029para\u0085next\u001fus\u200bzw\ufeffbom",
    "لا إله مُحَمَّد",
    "한국어 한국어",
    "one two three four five six seven eight nine ten",
]
NGRAMS = [
    NgramOptions(50_000, 48, (1, 2), (3, 4)),
    NgramOptions(2, 8, (1,), ()),
    NgramOptions(2**24, 16, (), (2, 8)),
    NgramOptions(1000, 5, (2, 1), (3,)),
]
STRINGS = ["", "a", "prerank", "é", "👩‍👩‍👧", "0123456789abcdef0123456789abcdef-and-more"]
RAW = [None, 0.0, 1e-5, 3.2e-4, 0.5, 1.0, -2.0, 1e9, -1e9, "inf", "-inf"]
TRANSFORMS = [
    Transform("log1p", 1e5, 1.25, 0.75, -1.5),
    Transform("log1p", 1.0, 0.0, 1.0, 0.0, 3.0),
    Transform("identity", 2.0, 0.5, 0.25, 7.0),
    Transform("identity", -1.0, 0.0, 2.0, -0.25, 5.0),
    Transform("identity", 0.0, 0.0, 1.0, 9.0),
]


def text_fixture() -> dict:
    return {
        "texts": [{"text": t, "normalised": normalise(t), "tokens": tokens(t), "query_key": query_key(t)} for t in TEXTS],
        "ngrams": [
            {
                "options": {
                    "buckets": options.buckets,
                    "length": options.length,
                    "word_ngrams": list(options.word_ngrams),
                    "char_ngrams": list(options.char_ngrams),
                },
                "buckets_of_texts": [text_ngrams(t, options).tolist() for t in TEXTS],
            }
            for options in NGRAMS
        ],
        "hashes": [{"text": s, "xxh32": xxh32(s), "xxh64": f"{xxh64(s):016x}"} for s in STRINGS],
    }


def blob_fixture(names: list[str], as_of_ms: int, totals: list, keys: list, counts: list) -> dict:
    blob = CountBlob(
        column_fingerprint(names),
        float(as_of_ms),
        np.array(totals, float),
        np.array(keys, np.uint64),
        np.array(counts, np.uint32).reshape(len(names), len(keys)),
    )
    return {
        "columns": names,
        "as_of_ms": as_of_ms,
        "totals": totals,
        "keys": [str(k) for k in keys],
        "counts": counts,
        "base64": base64.b64encode(encode_count_blob(blob)).decode(),
    }


def counts_fixture() -> dict:
    return {
        "blobs": [
            blob_fixture(["click_90d"], 1_735_689_600_000, [0], [], [[]]),
            blob_fixture(["click_90d", "save_90d"], 1_735_689_600_000, [10, 3], [1, 2, 2**64 - 1], [[4, 5, 1], [0, 2, 1]]),
            blob_fixture(["a", "b", "c"], 1_740_873_600_000, [2**40, 0, 7], [2**53 + 1, 2**63], [[2**32 - 1, 0], [0, 0], [3, 4]]),
        ]
    }


def events_fixture() -> dict:
    events = [(7, 1, 1_735_689_600_123), (2**64 - 1, 255, 2**48 - 1), (0, 3, 0), (2**53 + 1, 4, 1_740_873_600_000)]
    keys, actions, times = zip(*events, strict=True)
    return {
        "events": [{"key": str(k), "action": a, "time_ms": t} for k, a, t in events],
        "base64": base64.b64encode(encode_events(keys, actions, times)).decode(),
    }


def transform_fixture() -> dict:
    """Numbers, "inf", "-inf"; null is a missing raw value."""
    raw = [np.nan if x is None else float(x) for x in RAW]
    return {
        "raw": RAW,
        "cases": [
            {"transform": t.to_json(), "values": [x + 0.0 if np.isfinite(x) else str(x) for x in t.apply(raw).tolist()]}
            for t in TRANSFORMS
        ],
    }


def fixtures() -> dict[str, dict]:
    return {
        "text.json": text_fixture(),
        "counts.json": counts_fixture(),
        "events.json": events_fixture(),
        "transform.json": transform_fixture(),
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, value in fixtures().items():
        (FOLDER / name).write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")
