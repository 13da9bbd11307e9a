"""requests: held-out requests with their candidates and engagements, one JSON object per line."""
import argparse
from pathlib import Path

from interactrank.bodies import write_requests
from interactrank.evaluation import test_period
from interactrank.held_out import held_out
from interactrank.runs import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, type=Path, help="folder that `train` wrote")
    parser.add_argument("--out", required=True, type=Path, help="file to write, .jsonl.gz")


def run(args: argparse.Namespace) -> None:
    opened = open_run(args.run)
    count = write_requests(opened.experiment, held_out(opened.experiment, test_period(opened)), args.out)
    print(f"{args.out}  {count} requests")
