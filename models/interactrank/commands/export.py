"""export: a trained system as a bundle."""
import argparse
from pathlib import Path

from interactrank.evaluation import test_period
from interactrank.export import BundleName, export_bundle, write_items
from interactrank.held_out import held_out
from interactrank.runs import load_system, open_run
from interactrank.systems import SYSTEMS, system_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, type=Path, help="folder that `train` wrote")
    parser.add_argument("--out", required=True, type=Path, help="folder of the bundle")
    parser.add_argument("--system", choices=[s.name for s in SYSTEMS], default="interactrank_lexical")
    parser.add_argument("--name", help="default: name of the folder of the bundle")
    parser.add_argument("--version", default="1")


def run(args: argparse.Namespace) -> None:
    opened = open_run(args.run)
    system = system_named(args.system)
    label = BundleName(args.name or args.out.resolve().name, args.version, f"{system.title}, preset {opened.plan.preset}")
    held = held_out(opened.experiment, test_period(opened))
    measured = export_bundle(load_system(opened, system), opened.experiment, held, label=label, directory=args.out)
    write_items(opened.experiment, args.run)
    print(f"{args.out}: {', '.join(f'{name} {value:.2g}' for name, value in measured.items())}")
