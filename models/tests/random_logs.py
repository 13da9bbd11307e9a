"""A seeded random log that tests share: few items, users and queries, so that everything repeats."""

import numpy as np
import pandas as pd

from interactrank.logs import Log, read_log

T0 = 1_735_689_600_000
DAY = 86_400_000
QUERIES = ["red shoes", "Red  Shoes", "blue lamp", "lamp", "shoes red red", "☃"]


def random_log(folder, *, events: int = 400, days: int = 12, seed: int = 1) -> Log:
    rng = np.random.default_rng(seed)
    times = np.sort(T0 + rng.integers(0, days * DAY, events))
    times[events // 4 : events // 4 + 5] = T0 + 3 * DAY  # some exactly at a build time, some at the same moment
    frame = pd.DataFrame(
        {
            "time": np.sort(times),
            "user": [f"u{i}" for i in rng.integers(0, 6, events)],
            "query": rng.choice(QUERIES, events),
            "item": rng.integers(100, 115, events),
            "action": rng.choice(["impression", "click", "save", "long_click"], events),
            "country": rng.choice(["DE", "FR", ""], events),
            "gender": rng.choice(["f", "m"], events),
        }
    )
    items = pd.DataFrame({"item": np.arange(100, 115)[::-1], "title": [f"item {i}" for i in range(15)]})
    frame.to_csv(folder / "events.csv", index=False)
    items.to_csv(folder / "items.csv", index=False)
    return read_log(folder / "events.csv", folder / "items.csv")
