"""Writes a bundle (docs/formats.md §9): towers, manifest, golden requests; and what the offline jobs build the rest from."""
import hashlib
import json
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from interactrank.bodies import bodies
from interactrank.counts import CountSchema
from interactrank.counts.build import count_blobs
from interactrank.evaluate import QueryFunction, evaluate_scores, model_scores, query_tower_inputs
from interactrank.experiment import Experiment
from interactrank.golden import GoldenCase, golden_json, make_cases
from interactrank.held_out import HeldOut
from interactrank.manifest import make_manifest, seal
from interactrank.model import InteractRank
from interactrank.onnx_export import export_tower, run_onnx
from interactrank.popularity import popularity_at
from interactrank.quantise import quantise
from interactrank.scorer import Servable, make_servable, score_request
from interactrank.serving_tower import ServingTower
from interactrank.train import item_vectors

GOLDEN_CASES = 75
TOLERANCE_FLOAT32 = 1e-3
# A name of its own: a catalogue may lie in the same folder as items.parquet.
ITEMS_FILE = "items_with_scalars.parquet"


@dataclass(frozen=True)
class BundleName:
    name: str
    version: str
    description: str


def export_bundle(
    model: InteractRank, experiment: Experiment, held: HeldOut, *, label: BundleName, directory: Path
) -> dict[str, float]:
    """Returns what was measured: the largest difference of ONNX towers from PyTorch, and of int8 scores."""
    directory.mkdir(parents=True, exist_ok=True)
    model.eval()
    servable = servable_of(model, experiment)
    measured = write_towers(model, experiment, held, servable, directory)
    cases = make_cases(servable, held_sample(experiment, held), snapshot(experiment), count=GOLDEN_CASES)
    golden = golden_json(servable, cases)
    int8 = onnx_query_tower(directory / "query_tower.int8.onnx")
    measured["int8_score_difference"] = score_difference(replace(servable, query_tower=int8), cases, golden)
    measured["int8_recall@100_change"] = recall_change(model, experiment, held, int8)
    (directory / "golden.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", "utf-8")
    names = ("query_tower.onnx", "query_tower.int8.onnx", "item_tower.onnx", "golden.json")
    tolerance = {"float32": TOLERANCE_FLOAT32, "int8": round(2 * measured["int8_score_difference"] + TOLERANCE_FLOAT32, 3)}
    manifest = make_manifest(
        model, name=label.name, version=label.version, description=label.description, tolerance=tolerance,
        files={name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in names},
    )
    (directory / "manifest.json").write_bytes(seal(manifest))
    return measured


def servable_of(model: InteractRank, experiment: Experiment) -> Servable:
    vectors, content = item_vectors(model, experiment.item_inputs)
    scalars = item_scalars(experiment)
    return make_servable(model, experiment.log, vectors, content, scalars)


def item_scalars(experiment: Experiment) -> np.ndarray:
    """float32 [M, S], raw, as of the split."""
    return popularity_at(experiment.source.popularity, experiment.split.test_ms)[:, None]


def snapshot(experiment: Experiment) -> dict[str, bytes]:
    """Count blobs as of the split: what the bundle's features hold."""
    schema = CountSchema(experiment.schema.count_columns, tuple(experiment.schema.segments))
    return count_blobs(experiment.log, schema, experiment.split.test_ms)


def held_sample(experiment: Experiment, held: HeldOut, count: int = 40) -> list[tuple[int, dict]]:
    return [(now_ms, body) for now_ms, body, _ in islice(bodies(experiment, held), count)]


def write_towers(
    model: InteractRank, experiment: Experiment, held: HeldOut, servable: Servable, directory: Path
) -> dict[str, float]:
    query = query_tower_inputs(model, held, servable.content)[0]
    float32, int8 = directory / "query_tower.onnx", directory / "query_tower.int8.onnx"
    serving = ServingTower(model.query_tower)
    export_tower(serving, example={k: v[:2] for k, v in query.items()}, outputs=["vectors"], path=float32)
    quantise(float32, int8)
    items = {name: value[:512] for name, value in experiment.item_inputs.items()}
    item = directory / "item_tower.onnx"
    export_tower(model.item_tower, example={k: v[:2] for k, v in items.items()}, outputs=["vector", "content"], path=item)
    with torch.no_grad():
        expected = model.query_tower(query).numpy()
    (found,) = run_onnx(float32, {name: value.numpy() for name, value in query.items()})
    (rough,) = run_onnx(int8, {name: value.numpy() for name, value in query.items()})
    vectors, *_ = run_onnx(item, {name: value.numpy() for name, value in items.items()})
    return {
        "query_tower_difference": float(np.abs(found - expected).max()),
        "item_tower_difference": float(np.abs(vectors - servable.vectors[: len(vectors)].numpy()).max()),
        "int8_cosine_min": float((rough * expected).sum(-1).min()),
    }


def onnx_query_tower(path: Path) -> QueryFunction:
    def run(inputs: dict[str, Tensor]) -> Tensor:
        return torch.from_numpy(run_onnx(path, {name: value.numpy() for name, value in inputs.items()})[0])

    return run


def score_difference(servable: Servable, cases: list[GoldenCase], golden: dict) -> float:
    """Largest |score − golden score| over the golden requests."""
    worst = 0.0
    for case, row in zip(cases, golden["requests"], strict=True):
        ids, scores = score_request(servable, case.request, case.now_ms, case.blobs)
        wanted = dict(zip(row["ids"], row["scores"], strict=True))
        worst = max([worst, *(abs(wanted[item] - score) for item, score in zip(ids, scores, strict=True))])
    return worst


def recall_change(model: InteractRank, experiment: Experiment, held: HeldOut, tower: QueryFunction) -> float:
    """recall@100 with another query tower minus recall@100 with the model's own."""
    exact = evaluate_scores(model_scores(model, experiment, held), held)["recall@100"].mean
    return evaluate_scores(model_scores(model, experiment, held, query_tower=tower), held)["recall@100"].mean - exact


def write_items(experiment: Experiment, directory: Path) -> None:
    """The catalogue with its scalars as of the split: what `prerank items build` reads."""
    items = experiment.log.items.rename(columns={"id": "item"}).drop(columns=["key"])
    items["category"] = items["category"].astype(object)
    if experiment.log.id_kind == "u64":
        items["item"] = items["item"].astype(np.uint64)
    if experiment.log.content is not None:
        items[experiment.log.content_name] = list(experiment.log.content)
    for number, scalar in enumerate(experiment.schema.scalars):
        items[scalar.name] = item_scalars(experiment)[:, number]
    items.to_parquet(directory / ITEMS_FILE, index=False)
