"""A run: a folder that remembers its log, recipe and trained systems, so that every verb can go on from it."""
import json
from dataclasses import dataclass
from pathlib import Path

import torch

from interactrank.experiment import Experiment, columns_for, prepare, schema_for
from interactrank.fit_fusion import fit_fusion
from interactrank.keys import xxh64
from interactrank.logs import read_log
from interactrank.logs.tables import LogError, file_sha256
from interactrank.model import InteractRank
from interactrank.recipes import RECIPES, Recipe, with_seed
from interactrank.systems import SYSTEMS, System, system_named
from interactrank.train import train


@dataclass(frozen=True)
class RunPlan:
    events: Path
    items: Path
    preset: str
    seed: int


@dataclass(frozen=True)
class Run:
    directory: Path
    plan: RunPlan
    recipe: Recipe
    experiment: Experiment

    def checkpoint(self, system: System) -> Path:
        return self.directory / f"{system.name}.pt"


def start_run(plan: RunPlan, directory: Path) -> Run:
    """A new run, or the same one again: its checkpoints are then taken up where they were left."""
    directory.mkdir(parents=True, exist_ok=True)
    record, path = _record(plan), directory / "run.json"
    if path.exists():
        _check_same(json.loads(path.read_text()), record, path)
    run = _open(directory, plan)
    path.write_text(json.dumps(record, indent=1) + "\n")
    return run


def open_run(directory: Path) -> Run:
    path = directory / "run.json"
    if not path.is_file():
        raise LogError(f"{directory} has no run.json; expected the --out folder of `train`")
    known = json.loads(path.read_text())
    plan = RunPlan(Path(known["events"]), Path(known["items"]), known["preset"], known["seed"])
    _check_same(known, _record(plan), path)
    return _open(directory, plan)


def _record(plan: RunPlan) -> dict:
    """Everything that a checkpoint depends on. Files by their bytes: a log is often refreshed under the same path."""
    return {
        "events": str(plan.events.resolve()),
        "events_sha256": file_sha256(plan.events),
        "items": str(plan.items.resolve()),
        "items_sha256": file_sha256(plan.items),
        "preset": plan.preset,
        "recipe": f"{xxh64(repr(RECIPES[plan.preset])):016x}",
        "seed": plan.seed,
    }


def _check_same(known: dict, record: dict, path: Path) -> None:
    if known != record:
        changed = [f"{name} {known.get(name)}, now {value}" for name, value in record.items() if known.get(name) != value]
        hint = "expected the same, so give another --out or remove the folder"
        raise LogError(f"{path} was written with {'; '.join(changed)}; {hint}")


def _open(directory: Path, plan: RunPlan) -> Run:
    recipe = with_seed(RECIPES[plan.preset], plan.seed)
    log = read_log(plan.events, plan.items)
    _print(log.notices)
    experiment = prepare(log, recipe.model, recipe.data)
    _print(experiment.notices)
    return Run(directory, plan, recipe, experiment)


def _print(notices: tuple[str, ...]) -> None:
    for notice in notices:
        print(f"notice: {notice}")


def train_system(run: Run, system: System, *, line: int = 0) -> InteractRank:
    """Towers first, or those of the system that this one shares them with; then the fusion. Finished work is not repeated.
    `line`: where the progress bar stands, beside those of other processes."""
    if run.checkpoint(system).is_file():
        return load_system(run, system)
    model = new_model(run, system)
    if system.towers == system.name:
        examples = columns_for(run.experiment, run.experiment.examples, system)
        progress = run.directory / f"{system.name}.towers.pt"
        train(model, examples, run.experiment.item_inputs, run.recipe.training, checkpoint=progress, line=line)
    else:
        take_towers(model, train_system(run, system_named(system.towers)))
    validation = columns_for(run.experiment, run.experiment.validation, system)
    fit_fusion(model, validation, run.experiment.item_inputs, run.recipe.training)
    part = run.checkpoint(system).with_suffix(".part")
    torch.save(model.state_dict(), part)
    part.replace(run.checkpoint(system))
    return model.eval()


def take_towers(model: InteractRank, other: InteractRank) -> None:
    for part in ("text", "query_tower", "item_tower"):
        getattr(model, part).load_state_dict(getattr(other, part).state_dict())


def load_system(run: Run, system: System) -> InteractRank:
    path = run.checkpoint(system)
    if not path.is_file():
        raise LogError(f"{path} is not there; expected a trained system, so run `train --system {system.name}`")
    model = new_model(run, system)
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


def trained_systems(run: Run) -> list[System]:
    return [system for system in SYSTEMS if run.checkpoint(system).is_file()]


def new_model(run: Run, system: System) -> InteractRank:
    torch.manual_seed(run.recipe.training.seed)
    model = InteractRank(run.recipe.model, schema_for(run.experiment, system), system)
    model.text.start_from_idf(run.experiment.item_inputs["title_ngrams"].numpy())
    model.item_tower.start_from_catalogue(run.experiment.item_inputs)
    return model
