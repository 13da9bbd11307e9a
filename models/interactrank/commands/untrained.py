"""untrained: a bundle with random weights, such as the paper's shape, for performance work. Its scores mean nothing."""
import argparse
from pathlib import Path

from interactrank.evaluation import test_period
from interactrank.export import BundleName, export_bundle, write_items
from interactrank.held_out import held_out
from interactrank.recipes import RECIPES
from interactrank.runs import RunPlan, new_model, start_run
from interactrank.systems import system_named
from interactrank.world import simulate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, help="folder of world, run and bundle")
    parser.add_argument("--preset", choices=sorted(RECIPES), default="paper", help="default: paper")


def run(args: argparse.Namespace) -> None:
    events, items = simulate(args.out / "world", RECIPES[args.preset].world)
    started = start_run(RunPlan(events, items, args.preset, seed=0), args.out / "run")
    model = new_model(started, system_named("interactrank_linear")).eval()
    held = held_out(started.experiment, test_period(started))
    label = BundleName(args.preset, "untrained", f"preset {args.preset}, random weights: for performance work only")
    measured = export_bundle(model, started.experiment, held, label=label, directory=args.out / "bundle")
    write_items(started.experiment, args.out)
    print(f"{args.out / 'bundle'}: {', '.join(f'{name} {value:.2g}' for name, value in measured.items())}")
