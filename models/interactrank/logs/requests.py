"""The log as requests: what was shown or engaged with in each, one row per (request, item)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from interactrank.logs import IMPRESSION, Log
from interactrank.logs.events import CONTEXT


@dataclass(frozen=True)
class Requests:
    """`requests`: one row per request, ascending time of its first event: time, user, query, country, gender, device,
    language (categories as in the log). `rows`: one per (request, item), by request then position then item row: request
    (row number in `requests`), item_row, position, and one bool column per action. Features are as of the request's time.
    """

    requests: pd.DataFrame
    rows: pd.DataFrame


def group_requests(log: Log) -> Requests:
    events = log.events
    first = ~events["request"].duplicated()
    requests = events.loc[first, ["time", "user", "query", *CONTEXT]].reset_index(drop=True)

    pair = events["request"].to_numpy(np.int64) * len(log.items) + events["item_row"].to_numpy()
    pairs, index = np.unique(pair, return_inverse=True)
    rows = pd.DataFrame({"request": (pairs // len(log.items)).astype(np.int32)})
    rows["item_row"] = (pairs % len(log.items)).astype(np.int32)
    position = np.full(len(pairs), -1, np.int32)
    np.maximum.at(position, index, events["position"].to_numpy())
    rows["position"] = position
    codes = events["action"].cat.codes.to_numpy()
    for code, action in enumerate(log.actions):
        flag = np.zeros(len(pairs), bool)
        flag[index[codes == code]] = True
        rows[action] = flag
    rows["engaged"] = rows[[a for a in log.actions if a != IMPRESSION]].any(axis=1)
    rows = rows.sort_values(["request", "position", "item_row"], kind="stable", ignore_index=True)
    return Requests(requests, rows)
