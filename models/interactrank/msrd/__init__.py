"""The Movie Search Ranking Dataset (real queries, human labels) as an engagement log and held-out judged lists.

Queries are split by a hash of their id, 80/10/10. Train queries become a log of simulated users (clicks.py); the lists of
validation and test queries are written as they were judged (judged.py) and never enter the log.
"""

import argparse
from os import PathLike
from pathlib import Path

from interactrank.logs.tables import LogError
from interactrank.msrd.clicks import simulate_clicks
from interactrank.msrd.judged import read_judgments, read_movies


def convert(data: str | PathLike, out: str | PathLike, *, seed: int = 1, requests: int = 60_000) -> list[Path]:
    """Writes events.parquet, items.parquet and judged.parquet and returns their paths. Same arguments, same bytes."""
    source, folder = Path(data), Path(out)
    for name in ("movies.jsonl.gz", "judgments.tsv.gz"):
        if not (source / name).is_file():
            raise LogError(f"{source} has no {name}; expected the files of the Movie Search Ranking Dataset, see models/README.md")
    folder.mkdir(parents=True, exist_ok=True)
    movies, judged = read_movies(source), read_judgments(source)
    judged = judged[judged["item"].isin(movies["item"])].reset_index(drop=True)
    train = judged["split"] == "train"
    events = simulate_clicks(movies, judged[train].reset_index(drop=True), seed=seed, requests=requests)
    tables = {"events": events, "items": movies, "judged": judged[~train]}
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
    return [folder / f"{name}.parquet" for name in tables]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, type=Path, help="folder with judgments.tsv.gz and movies.jsonl.gz")
    parser.add_argument("--out", required=True, type=Path, help="folder for events, items and judged .parquet")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulated users (default: 1)")
    parser.add_argument("--requests", type=int, default=60_000, help="simulated search requests (default: 60000)")


def run(args: argparse.Namespace) -> None:
    for path in convert(args.data, args.out, seed=args.seed, requests=args.requests):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
