"""evaluate: BM25 and every trained system on the same held-out requests."""
import argparse
from pathlib import Path

from interactrank.evaluation import evaluate_run
from interactrank.runs import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, type=Path, help="folder that `train` wrote")


def run(args: argparse.Namespace) -> None:
    print(evaluate_run(open_run(args.run), args.run).table)
