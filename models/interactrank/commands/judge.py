"""judge: nDCG over judged lists of queries that the log never saw, for BM25, popularity and every trained system."""
import argparse
from pathlib import Path

from interactrank.judged_lists import judge_run
from interactrank.report import markdown_table
from interactrank.runs import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, type=Path, help="folder that `train` wrote")
    parser.add_argument("--judged", required=True, type=Path, help="judged.parquet that `msrd` wrote")
    parser.add_argument("--split", choices=["validation", "test"], default="test", help="default: test")


def run(args: argparse.Namespace) -> None:
    results, titles = judge_run(open_run(args.run), args.judged, args.split)
    print(markdown_table(results, titles, metrics=("ndcg@10", "hits@3", "auc")))
