"""The formats shared with the server: committed vectors are what this code writes, and damage is refused."""

import base64
import json

import numpy as np
import pytest
import xxhash
from write_format_fixtures import FOLDER, fixtures

from interactrank.counts.blob import decode_count_blob
from interactrank.keys import detect_id_kind, item_keys
from interactrank.sequences import decode_events
from interactrank.text import NgramOptions, text_ngrams, text_ngrams_batch


@pytest.mark.parametrize("name", ["text.json", "counts.json", "events.json", "transform.json"])
def test_committed_vectors_are_what_the_code_writes(name):
    assert json.loads((FOLDER / name).read_text()) == fixtures()[name]


def test_ngrams_are_the_documented_hashes():
    options = NgramOptions(buckets=1000, length=8, word_ngrams=(1, 2), char_ngrams=(3,))
    expected = ["wred", "wox", "wred ox", "c<re", "cred", "ced>", "c<ox", "cox>"]
    buckets = [1 + xxhash.xxh32_intdigest(f.encode()) % 999 for f in expected]
    assert text_ngrams("Red  OX", options).tolist() == buckets


def test_a_batch_gives_each_text_the_buckets_it_has_alone():
    options = NgramOptions(5000, 12, (1, 2), (3, 4))
    texts = ["red shoes", "", "red shoes", "shoes", "a much longer text that is cut off"]
    batch = text_ngrams_batch(texts, options)
    assert batch.dtype == np.int32 and batch.shape == (5, 12)
    for text, row in zip(texts, batch, strict=True):
        assert np.array_equal(row, text_ngrams(text, options))


def test_count_blobs_decode_to_what_was_encoded_and_damage_is_refused():
    for case in fixtures()["counts.json"]["blobs"]:
        data = base64.b64decode(case["base64"])
        blob = decode_count_blob(data)
        assert [str(k) for k in blob.keys] == case["keys"]
        assert blob.counts.tolist() == case["counts"] and blob.totals.tolist() == case["totals"]
        for damaged in (data[:-1], data + b"\0", data[:31], b"X" + data[1:], data[:-1] + bytes([data[-1] ^ 1])):
            with pytest.raises(ValueError):
                decode_count_blob(damaged)


def test_events_decode_to_what_was_encoded():
    fixture = fixtures()["events.json"]
    keys, actions, times = decode_events(base64.b64decode(fixture["base64"]))
    found = [{"key": str(k), "action": a, "time_ms": t} for k, a, t in zip(keys, actions, times, strict=True)]
    assert found == fixture["events"]
    with pytest.raises(ValueError, match="multiple of 16"):
        decode_events(b"12345")


def test_ids_are_numbers_only_when_all_are_canonical_unsigned_64_bit_decimals():
    assert detect_id_kind(["0", "18446744073709551615"]) == "u64"
    for ids in (["01"], ["-1"], ["18446744073709551616"], ["1", "b"], ["1.0"], ["١"], [""]):
        assert detect_id_kind(ids) == "string"
    assert item_keys(["5"], "u64").tolist() == [5]
    assert item_keys(["a"], "string").tolist() == [0xD24EC4F1A98C6E5B]
