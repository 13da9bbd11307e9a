"""The bundle: every part agrees with every other, and with PyTorch."""
import base64
import hashlib
import json

import numpy as np
import onnx

from interactrank.export import servable_of, snapshot
from interactrank.evaluate import model_scores
from interactrank.golden import HEAD_PATTERNS
from interactrank.manifest import ZERO_FINGERPRINT, serving_precision
from interactrank.onnx_export import run_onnx
from interactrank.presets import PAPER
from interactrank.scorer import request_inputs, score_request
from random_towers import query_tower


def test_onnx_towers_agree_with_pytorch(bundle):
    _, measured = bundle
    assert measured["query_tower_difference"] <= 1e-4
    assert measured["item_tower_difference"] <= 1e-4


def test_the_fingerprint_covers_manifest_and_files(bundle):
    directory, _ = bundle
    text = (directory / "manifest.json").read_text("utf-8")
    manifest = json.loads(text)
    zeroed = text.replace(manifest["fingerprint"], ZERO_FINGERPRINT)
    assert hashlib.sha256(zeroed.encode()).hexdigest() == manifest["fingerprint"]
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((directory / name).read_bytes()).hexdigest() == digest


def test_every_tower_input_is_declared_with_its_type_and_shape(bundle):
    directory, _ = bundle
    manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
    kinds = {"float32": onnx.TensorProto.FLOAT, "int32": onnx.TensorProto.INT32}
    for tower, file in ((manifest["query_tower"], "query_tower.int8.onnx"), (manifest["item_tower"], "item_tower.onnx")):
        graph = onnx.load(directory / file).graph
        found = [
            (node.name, node.type.tensor_type.elem_type, [d.dim_value for d in node.type.tensor_type.shape.dim[1:]])
            for node in graph.input
        ]
        assert found == [(i["name"], kinds[i["dtype"]], i["shape"]) for i in tower["inputs"]]


def test_the_manifest_serves_the_faster_tower_and_says_that_int8_may_batch(bundle):
    tower = json.loads((bundle[0] / "manifest.json").read_text("utf-8"))["query_tower"]
    assert tower["precision"] == "float32", "weights of the smoke preset fit any cache"
    assert tower["int8_scales"] == "row"
    assert serving_precision(query_tower(PAPER)) == "int8"


def test_golden_requests_cover_what_requests_can_lack(bundle):
    directory, _ = bundle
    requests = [row["request"] for row in json.loads((directory / "golden.json").read_text("utf-8"))["requests"]]
    assert len(requests) >= 64
    assert any("user" not in r for r in requests) and any(r.get("user", {}).get("sequence") == [] for r in requests)
    assert any("candidate_features" not in r for r in requests)
    assert any(len(set(r["candidates"])) < len(r["candidates"]) for r in requests)
    patterns = {json.dumps(r.get("head_weights"), sort_keys=True) for r in requests}
    assert {json.dumps(pattern, sort_keys=True) for pattern in HEAD_PATTERNS} <= patterns


def test_golden_scores_follow_from_the_bundle_alone(bundle, model, experiment):
    """Towers from ONNX, blobs from golden.json, formula from the manifest: nothing of PyTorch."""
    directory, _ = bundle
    manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
    servable = servable_of(model, experiment)
    for row in json.loads((directory / "golden.json").read_text("utf-8"))["requests"][::9]:
        request = row["request"]
        inputs = request_inputs(servable, request, row["now_ms"])
        (vectors,) = run_onnx(directory / "query_tower.onnx", {name: value.numpy() for name, value in inputs.items()})
        weights = request.get("head_weights") or {h["name"]: h["default_weight"] for h in manifest["heads"]}
        total = sum(weights.values())
        folded = sum(vectors[0, i] * weights.get(h["name"], 0) / total for i, h in enumerate(manifest["heads"]))
        blobs = {key: base64.b64decode(value) for key, value in row["blobs"].items()}
        ids, scores = score_request(servable, request, row["now_ms"], blobs)
        assert ids == row["ids"] and scores == sorted(scores, reverse=True)
        dot = float(servable.vectors[servable.rows[ids[0]]].numpy() @ folded)
        assert abs(dot) <= 1.0 + 1e-5
        assert np.allclose(scores, row["scores"], atol=1e-6)


def test_blobs_give_the_same_columns_as_the_count_index(experiment, held, model):
    """Training reads counts from an index, serving from blobs; at the split both must be the same numbers."""
    servable, blobs = servable_of(model, experiment), snapshot(experiment)
    scores = model_scores(model, experiment, held)
    names = experiment.log.items["id"]
    lexical = held.raw[:, -1]
    for number in range(0, len(held.frame), 7):
        mine = slice(held.candidates.offsets[number], held.candidates.offsets[number + 1])
        row, seen = held.frame.iloc[number], held.sequences.item_row[number]
        events = [
            {"item": names[i], "action": experiment.log.actions[a], "time": int(t)}
            for i, a, t in zip(seen, held.sequences.action[number], held.sequences.time_ms[number])
            if i >= 0
        ]
        request = {
            "query": {"text": row["query"]},
            "user": {"sequence": events},
            "candidates": [names[i] for i in held.candidates.item_row[mine]],
            "candidate_features": {"bm25": lexical[mine].tolist()},
        }
        ids, found = score_request(servable, request, int(row["time"]), blobs)
        wanted = dict(zip(request["candidates"], scores[mine], strict=True))
        assert np.allclose(found, [wanted[item] for item in ids], atol=1e-4)
