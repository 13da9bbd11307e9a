"""The events: checked columns, item rows and request numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from interactrank.logs.columns import as_categories, as_integers, as_labels, column
from interactrank.logs.items import Catalogue
from interactrank.logs.request_numbers import request_numbers
from interactrank.logs.tables import LogError

CONTEXT = ("country", "gender", "device", "language")
_EARLIEST_MS = 315_532_800_000  # 1980-01-01; seconds of our century read as milliseconds lie in January 1970
_LATEST_MS = 4_102_444_800_000  # 2100-01-01


@dataclass(frozen=True)
class Source:
    events_file: str
    items_file: str
    actions: tuple[str, ...]


def read_events(table: pa.Table, catalogue: Catalogue, source: Source) -> tuple[pd.DataFrame, list[str]]:
    file, has = source.events_file, set(table.column_names)
    frame = pd.DataFrame(
        {
            "time": _times(table, file),
            "user": _filled(as_categories(column(table, file, "user"))),
            "query": _filled(as_categories(column(table, file, "query"))),
            "action": _actions(table, file, source.actions),
        }
    )
    frame["item_row"], notices = _item_rows(table, catalogue, source)
    for name in CONTEXT:
        frame[name] = as_labels(column(table, file, name)) if name in has else pd.Categorical([None] * len(frame))
    position = as_integers(column(table, file, "position"), missing=-1) if "position" in has else np.full(len(frame), -1)
    frame["position"] = position.astype(np.int32)
    frame["request"], of_nobody = request_numbers(frame, table, file)
    known = frame["item_row"] >= 0
    if not known.all():
        frame = frame[known].reset_index(drop=True)
        frame["request"] = pd.factorize(frame["request"])[0].astype(np.int32)
    return frame, notices + of_nobody


def _times(table: pa.Table, file: str) -> np.ndarray:
    source = column(table, file, "time")
    if pa.types.is_temporal(source.type):
        raise source.fail(f"has type {source.type}", "whole numbers, Unix milliseconds; convert the column")
    times = as_integers(source)
    outside = np.flatnonzero((times < _EARLIEST_MS) | (times >= _LATEST_MS))
    if outside.size:
        row = int(outside[0])
        hint = "; these look like seconds, multiply by 1000" if 0 < times[row] < _EARLIEST_MS else ""
        raise source.fail(f"holds {times[row]}", f"Unix milliseconds between 1980 and 2100{hint}", row)
    back = np.flatnonzero(np.diff(times) < 0)
    if back.size:
        row = int(back[0]) + 1
        found = f"goes back from {times[row - 1]} to {times[row]} ({back.size} times in the file)"
        raise source.fail(found, "ascending times; sort the file by 'time'", row)
    return times


def _filled(values: pd.Categorical) -> pd.Categorical:
    """Missing users and queries become ''."""
    if not (values.codes < 0).any():
        return values
    with_empty = values if "" in values.categories else values.add_categories([""])
    codes = np.where(values.codes < 0, with_empty.categories.get_loc(""), values.codes)
    return pd.Categorical.from_codes(codes, with_empty.categories)


def _actions(table: pa.Table, file: str, actions: tuple[str, ...]) -> pd.Categorical:
    source = column(table, file, "action")
    found = as_categories(source)
    unknown = ~np.isin(np.append(np.asarray(found.categories, object), ""), actions)[found.codes]
    if unknown.any():
        row = int(np.argmax(unknown))
        name = found.categories[found.codes[row]] if found.codes[row] >= 0 else ""
        raise source.fail(f"holds {name!r}", f"one of {', '.join(actions)}", row)
    return found.set_categories(list(actions))


def _item_rows(table: pa.Table, catalogue: Catalogue, source: Source) -> tuple[np.ndarray, list[str]]:
    """int32 rows, −1 for items that the catalogue does not hold: those events are left out, with a notice."""
    found = as_categories(column(table, source.events_file, "item"))
    rows = pd.Index(catalogue.frame["id"]).get_indexer(pd.Index(found.categories, dtype=object))
    rows = np.append(rows, -1)[found.codes].astype(np.int32)
    unknown = int((rows < 0).sum())
    if unknown == 0:
        return rows, []
    first = found[int(np.argmax(rows < 0))]
    said = (
        f"{unknown} of {len(rows)} events in {source.events_file} name items"
        f" that {source.items_file} does not hold (first: {first!r})"
    )
    if unknown * 2 > len(rows):
        raise LogError(f"{said}; expected most items to be there, so check that the two files belong together")
    return rows, [f"{said}; they are left out"]
