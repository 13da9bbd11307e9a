"""demo: from nothing to a served bundle. Simulates, trains every system, evaluates, exports the best."""
import argparse
import shutil
import time
from pathlib import Path

from interactrank.bodies import write_requests
from interactrank.evaluation import evaluate_run
from interactrank.export import BundleName, export_bundle, write_items
from interactrank.recipes import RECIPES
from interactrank.runs import RunPlan, load_system, start_run
from interactrank.systems import SYSTEMS
from interactrank.train_all import train_all
from interactrank.world import simulate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, help="folder of world, run and bundle")
    parser.add_argument("--bundle", type=Path, help="folder of the bundle (default: OUT/bundle)")
    parser.add_argument("--preset", choices=sorted(RECIPES), default="demo", help="smoke takes under a minute (default: demo)")
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> None:
    began = time.monotonic()
    recipe, bundle = RECIPES[args.preset], args.bundle or args.out / "bundle"
    events, items = simulate(args.out / "world", recipe.world)
    started = start_run(RunPlan(events, items, args.preset, args.seed), args.out / "run")
    for system in train_all(started, SYSTEMS):
        print(f"{time.monotonic() - began:6.0f} s  trained {system.title}", flush=True)
    evaluation = evaluate_run(started, args.out / "run")
    print(evaluation.table)
    label = BundleName("demo", f"{args.preset}-{args.seed}", f"Search world, preset {args.preset}, seed {args.seed}")
    model = load_system(started, SYSTEMS[-1])
    measured = export_bundle(model, started.experiment, evaluation.held, label=label, directory=bundle)
    for name in ("evaluation.json", "evaluation.png"):
        shutil.copy(args.out / "run" / name, bundle / name)
    write_items(started.experiment, args.out)
    write_requests(started.experiment, evaluation.held, args.out / "requests.jsonl.gz")
    print(", ".join(f"{name} {value:.2g}" for name, value in measured.items()))
    print(f"{bundle}  {time.monotonic() - began:.0f} s in all")
