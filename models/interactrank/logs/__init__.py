"""The engagement log: one reader for real and simulated logs.

Events are rows of `time` (Unix milliseconds, ascending), `user`, `query`, `item`, `action` and, where the log has them,
`request_id`, `position`, `country`, `gender`, `device`, `language`; other columns are not read. Items are rows of `item`,
`title` and, where the catalogue has them, `text`, `category`, numeric columns and one content embedding (a list of numbers).
A shown item is an event with action `impression`; every engagement is one more event. A log without impressions is a log.
Files are CSV, CSV.gz, Parquet or JSONL (.gz). An empty user is an anonymous one: it has no sequence, and
an event of nobody without a request_id is a request of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from interactrank.keys import IdKind
from interactrank.logs.events import Source, read_events
from interactrank.logs.items import read_items
from interactrank.logs.tables import read_table

# Order gives the action codes of packed events: impression 0 is never packed, click 1, long_click 2, …
ACTIONS = ("impression", "click", "long_click", "save", "short_click")
IMPRESSION = "impression"


@dataclass(frozen=True)
class Log:
    """`events`: time int64, user, query, action (categories = `actions`), item_row int32, request int32 (dense, by first
    event), position int32 (−1 unknown), country, gender, device, language (categories, NaN unknown).
    `items`: id, key uint64, title, text, category (category, NaN unknown), then the `numeric` columns as float64.
    `content`: float32 [M, C] or None, read from column `content_name`. Row i of `items` is item row i.
    """

    events: pd.DataFrame
    items: pd.DataFrame
    content: np.ndarray | None
    content_name: str | None
    id_kind: IdKind
    actions: tuple[str, ...]
    numeric: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def engagements(self) -> pd.DataFrame:
        return self.events[self.events["action"] != IMPRESSION]

    @property
    def item_texts(self) -> list[str]:
        """Title and text of every item, one string each."""
        return [f"{title} {text}".strip() for title, text in zip(self.items["title"], self.items["text"], strict=True)]


def read_log(events: str | PathLike, items: str | PathLike, actions: Sequence[str] = ACTIONS) -> Log:
    """Reads and checks both files. Raises LogError with what was found, what was expected and what to do."""
    events_path, items_path = Path(events), Path(items)
    catalogue = read_items(read_table(items_path), items_path.name)
    source = Source(events_path.name, items_path.name, tuple(actions))
    frame, notices = read_events(read_table(events_path), catalogue, source)
    return Log(
        events=frame,
        items=catalogue.frame,
        content=catalogue.content,
        content_name=catalogue.content_name,
        id_kind=catalogue.id_kind,
        actions=tuple(actions),
        numeric=catalogue.numeric,
        notices=tuple(notices),
    )
