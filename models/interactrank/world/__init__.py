"""Search world: a seeded simulator of a shop's search, written as an engagement log.

A catalogue with attributes, users with lasting tastes and moods that change within days, queries with Zipf frequency,
a retrieval stage, a logging ranker with position bias, and engagements drawn from

    utility = category and attribute match + quality + query–item affinity + segment + taste

What a ranker can learn each part from, and from nothing else:
- match: the texts, imperfectly, as titles leave attributes out and use other words than queries; ambiguous words mean one
  thing to one country or gender and another to the rest; some queries are misspelt;
- segment: country and gender, with an item part that only segment counts show;
- quality and affinity: engagement counts only (quality a little through the brand);
- taste: the user's own engagements only, newest first as moods change.
Nothing that the simulator knows beyond the log is written.
"""

import argparse
import time
from dataclasses import replace
from os import PathLike
from pathlib import Path

from interactrank.world.actions import act, log_table
from interactrank.world.impressions import show
from interactrank.world.options import PRESETS, WorldOptions
from interactrank.world.state import make_state


def simulate(out_dir: str | PathLike, options: WorldOptions, *, progress: bool = True) -> tuple[Path, Path]:
    """Writes events.parquet and items.parquet (log schema) and returns their paths. Same options, same bytes."""
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    state = make_state(options)
    shown = show(state, options, progress=progress)
    events, items = folder / "events.parquet", folder / "items.parquet"
    log_table(state, shown, act(state, shown, options), options).to_parquet(events, index=False, compression="zstd")
    state.items.table().to_parquet(items, index=False, compression="zstd")
    return events, items


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, help="folder for events.parquet and items.parquet")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="full", help="size of the world (default: full)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another world (default: 1)")
    parser.add_argument("--requests", type=int, help="search requests to simulate (default: that of the preset)")


def run(args: argparse.Namespace) -> None:
    options = replace(PRESETS[args.preset], seed=args.seed)
    if args.requests:
        options = replace(options, requests=args.requests)
    begin = time.monotonic()
    for path in simulate(args.out, options):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    print(f"simulated {options.requests:,} requests in {time.monotonic() - begin:.0f} s")
