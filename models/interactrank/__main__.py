"""python -m interactrank <verb>; every verb explains itself with --help."""
import argparse
import sys
import warnings

import torch

from interactrank import msrd, world
from interactrank.commands import demo, evaluate, export, judge, requests, train, untrained
from interactrank.logs.tables import LogError

VERBS = {
    "world": (world, "simulate a shop's search as an engagement log"),
    "msrd": (msrd, "turn the Movie Search Ranking Dataset into an engagement log and judged lists"),
    "train": (train, "train one system or all of them on a log"),
    "evaluate": (evaluate, "rank held-out requests with everything that was trained: table, plot, evaluation.json"),
    "export": (export, "write a bundle from a trained system"),
    "requests": (requests, "write held-out requests for the server's evaluation"),
    "judge": (judge, "rank judged lists of unseen queries with everything that was trained"),
    "untrained": (untrained, "write a bundle with random weights, such as the paper's shape, for performance work"),
    "demo": (demo, "simulate, train everything, evaluate and export: one command"),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m interactrank", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, (module, summary) in VERBS.items():
        module.add_arguments(verbs.add_parser(name, help=summary, description=summary))
    args = parser.parse_args(argv)
    torch.set_num_threads(1)  # two are slower, train_all.py says why
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    try:
        VERBS[args.verb][0].run(args)
    except LogError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
