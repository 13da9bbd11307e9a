"""Which events belong to one request: those of one request_id, or of one user and query shortly after each other."""

import numpy as np
import pandas as pd
import pyarrow as pa

from interactrank.logs.columns import Column, as_labels, column

_GAP_MS = 30 * 60 * 1000


def request_numbers(frame: pd.DataFrame, table: pa.Table, file: str) -> tuple[np.ndarray, list[str]]:
    """int32 [N], dense by first event. `frame` has time, user and query. An event with neither id nor user is a request of its
    own, since nothing tells whose search it was; there is a notice then."""
    alone = (frame["user"] == "").to_numpy()
    number = _by_user_query_and_time(frame, alone)
    if "request_id" in table.column_names:
        source = column(table, file, "request_id")
        ids = as_labels(source)
        _check_one_search(frame, ids, source)
        alone = alone & (ids.codes < 0)
        number = np.where(ids.codes >= 0, ids.codes.astype(np.int64), len(ids.categories) + number)
    said = f"{int(alone.sum())} of {len(frame)} events in {file} have neither user nor request_id; each is a request of its own"
    return pd.factorize(number)[0].astype(np.int32), [said] if alone.any() else []


def _by_user_query_and_time(frame: pd.DataFrame, alone: np.ndarray) -> np.ndarray:
    """int64 [N]: same user and query, with gaps of at most half an hour."""
    user, query = frame["user"].cat.codes.to_numpy(), frame["query"].cat.codes.to_numpy()
    order = np.lexsort((frame["time"], query, user))
    same = (np.diff(user[order]) == 0) & (np.diff(query[order]) == 0) & ~alone[order[1:]]
    near = np.diff(frame["time"].to_numpy()[order]) <= _GAP_MS
    number = np.empty(len(frame), np.int64)
    number[order] = np.concatenate([[0], np.cumsum(~(same & near))])
    return number


def _check_one_search(frame: pd.DataFrame, ids: pd.Categorical, source: Column) -> None:
    """The id of a session would make one request of many searches, with the user and query of the first."""
    given = np.flatnonzero(ids.codes >= 0)
    _, first, number = np.unique(ids.codes[given], return_index=True, return_inverse=True)
    before = given[first[number]]
    for name in ("user", "query"):
        codes = frame[name].cat.codes.to_numpy()
        other = np.flatnonzero(codes[given] != codes[before])
        if other.size:
            row, earlier = given[other[0]], before[other[0]]
            found = f"{name} {frame[name][row]!r}, and in row {earlier + 1} with {name} {frame[name][earlier]!r}"
            expected = "one user and one query for each id; leave the column out where it names a session"
            raise source.fail(f"holds {ids[row]!r} with {found}", expected, int(row))
