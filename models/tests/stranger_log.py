"""A log of about a thousand rows, as a stranger would bring it: no impressions, no context, text ids, unicode queries."""
from pathlib import Path

import numpy as np
import pandas as pd

START_MS = 1_735_689_600_000
DAY_MS = 86_400_000
WORDS = ("rot", "blå", "зелёный", "黄色", "schuh", "lampe", "стол", "椅子", "café", "vase")


def write_stranger_log(directory: Path, *, rows: int = 1000, days: int = 30, seed: int = 0) -> tuple[Path, Path]:
    """Writes events.csv.gz and items.jsonl; a query of two words is answered with items that carry them."""
    rng = np.random.default_rng(seed)
    titles = [f"{a} {b} {number}" for number, (a, b) in enumerate((a, b) for a in WORDS for b in WORDS for _ in range(2))]
    items = pd.DataFrame({"item": [f"sku-{n}" for n in range(len(titles))], "title": titles, "price": rng.uniform(1, 99, len(titles))})
    pairs = rng.integers(0, len(WORDS), (rows, 2))
    row = (pairs[:, 0] * len(WORDS) + pairs[:, 1]) * 2 + rng.integers(0, 2, rows)
    events = pd.DataFrame({
        "time": np.sort(rng.integers(START_MS, START_MS + days * DAY_MS, rows)),
        "user": [f"u{n}" for n in rng.integers(0, 40, rows)],
        "query": [f"{WORDS[a]} {WORDS[b]}" for a, b in pairs],
        "item": items["item"].to_numpy()[row],
        "action": rng.choice(["click", "long_click", "save"], rows, p=[0.6, 0.25, 0.15]),
    })
    events_path, items_path = directory / "events.csv.gz", directory / "items.jsonl"
    events.to_csv(events_path, index=False)
    items.to_json(items_path, orient="records", lines=True, force_ascii=False)
    return events_path, items_path
