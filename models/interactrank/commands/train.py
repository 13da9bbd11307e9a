"""train: one system or all of them, on any log."""
import argparse
from pathlib import Path

from interactrank.recipes import RECIPES
from interactrank.runs import RunPlan, start_run
from interactrank.systems import SYSTEMS, system_named
from interactrank.train_all import train_all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    events = "engagement log: .parquet, .csv, .csv.gz, .jsonl or .jsonl.gz; an event without user and request_id is alone"
    parser.add_argument("--events", required=True, type=Path, help=events)
    parser.add_argument("--items", required=True, type=Path, help="catalogue, in the same formats")
    out = "folder of the run; a stopped run is taken up again, one of another log is refused"
    parser.add_argument("--out", required=True, type=Path, help=out)
    parser.add_argument("--preset", choices=sorted(RECIPES), default="demo", help="size of model and training (default: demo)")
    parser.add_argument("--seed", type=int, default=0)
    names = [system.name for system in SYSTEMS]
    parser.add_argument("--system", choices=["all", *names], default="interactrank_lexical", help="default: interactrank_lexical")


def run(args: argparse.Namespace) -> None:
    started = start_run(RunPlan(args.events, args.items, args.preset, args.seed), args.out)
    for system in train_all(started, SYSTEMS if args.system == "all" else [system_named(args.system)]):
        print(f"{started.checkpoint(system)}  {system.title}")
